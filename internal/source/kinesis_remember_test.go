package source

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// again runs a source from the places, while during is done, and returns what
// it handled.
func again(t *testing.T, k *demo.Kinesis, p *places, before endpoint, during func(), poll ...time.Duration) ([]string, *bench) {
	t.Helper()
	b := newBench(k, before)
	handle := b.Handler
	b.Places, b.Start = p, Start{}
	for _, d := range poll {
		b.PollInterval = d
	}
	b.Handler = handlerFunc(func(ctx context.Context, body flow.Body) error {
		p.Pin(body.Place.Partition, body.Place.Position)
		return handle.Handle(ctx, body)
	})
	b.start(t)
	time.Sleep(3 * time.Second)
	if during != nil {
		during()
	}
	time.Sleep(3 * time.Minute)
	b.stop(t)
	return b.sorted(), b
}

func want(t *testing.T, when string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: handled %q, want %q", when, got, want)
	}
}

func counter(t *testing.T, b *bench, name, want string) {
	t.Helper()
	if got := b.metric(t, name); !slices.Equal(got, []string{want}) {
		t.Errorf("%s = %q, want %s", name, got, want)
	}
}

// A process that starts at latest and ends before the first record is followed
// by one that begins where the first did.
func TestKinesisLatestSurvivesTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := &demo.Kinesis{}, &places{}
		k.Put([]byte("early"))
		time.Sleep(5 * time.Second)
		got, _ := again(t, k, p, nil, nil)
		want(t, "first", got)
		k.Put([]byte("between"))
		time.Sleep(5 * time.Second)
		got, _ = again(t, k, p, nil, nil)
		want(t, "second", got, "between")
	})
}

// Shards that are read to their end are not asked for again, and their children
// are read from the oldest record, listed with their parents or without.
func TestKinesisEndedShardsStayEnded(t *testing.T) {
	for _, days := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			k, p := &demo.Kinesis{Retention: 48 * time.Hour}, &places{}
			first := k.Open()[0]
			split := func() {
				k.Put([]byte("1"))
				if err := k.Split(first); err != nil {
					t.Fatal(err)
				}
			}
			got, _ := again(t, k, p, nil, split)
			want(t, "first", got, "1")
			time.Sleep(time.Duration(days) * 47 * time.Hour)
			if err := k.Split(k.Open()[0]); err != nil {
				t.Fatal(err)
			}
			k.Put([]byte("2"))
			time.Sleep(time.Duration(days) * 47 * time.Hour)
			got, b := again(t, k, p, nil, nil)
			want(t, "second", got, "2")
			for _, call := range b.calls {
				if strings.HasPrefix(call, "GetShardIterator") && strings.Contains(call, first) {
					t.Errorf("the ended shard is asked for: %s", call)
				}
			}
		})
	}
}

// What is remembered of an ended shard goes when nothing of it is retained.
func TestKinesisEndedShardsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := &demo.Kinesis{Retention: time.Hour}, &places{}
		first := k.Open()[0]
		_, _ = again(t, k, p, nil, func() {
			if err := k.Split(first); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if place, _ := p.Place(first); !strings.HasPrefix(place, "ended@") {
				t.Errorf("the place of the ended shard is %q", place)
			}
			time.Sleep(time.Hour + time.Minute)
		}, 20*time.Second)
		if place, ok := p.Place(first); ok {
			t.Errorf("the place of a shard that left the stream is still %q", place)
		}
	})
}

// A stream that is made anew, also more than once, is read from its oldest
// record, whether nobody was reading then or somebody was.
func TestKinesisMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := &demo.Kinesis{Shards: 2}, &places{}
		old := k.Open()[0]
		got, b := again(t, k, p, nil, func() {
			k.Put([]byte("1"))
			if err := k.Split(old); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			k.Recreate()
			k.Put([]byte("2"))
			if err := k.Split(old); err != nil {
				t.Fatal(err)
			}
			k.Put([]byte("3"))
		})
		want(t, "while reading", got, "1", "2", "3")
		counter(t, b, "flowlog_source_resets_total", "1")
		if got := b.metric(t, "flowlog_source_shards"); !slices.Equal(got, []string{"closed 1", "reading 3", "waiting 0"}) {
			t.Errorf("shards = %q", got)
		}
		k.Recreate()
		k.Put([]byte("4"))
		if err := k.Split(old); err != nil {
			t.Fatal(err)
		}
		k.Put([]byte("5"))
		got, b = again(t, k, p, nil, nil)
		want(t, "after reading", got, "4", "5")
		counter(t, b, "flowlog_source_resets_total", "1")
		if n := b.log.count("level=ERROR"); n != 1 || b.log.count("made anew") != 1 {
			t.Errorf("%d error lines, want one:\n%s", n, &b.log.b)
		}
		got, b = again(t, k, p, nil, nil)
		want(t, "again", got)
		counter(t, b, "flowlog_source_resets_total", "0")
	})
}

// Who may not describe the stream reads it all the same, and hears of it once.
func TestKinesisSummaryDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := &demo.Kinesis{Shards: 2}, &places{}
		denied := func(w http.ResponseWriter, op, _ string, _ *http.Request) bool {
			if op == "DescribeStreamSummary" {
				refuse(w, 400, "AccessDeniedException", "User: u is not authorized to perform: kinesis:DescribeStreamSummary on resource: r")
			}
			return op == "DescribeStreamSummary"
		}
		got, b := again(t, k, p, denied, func() { k.Put([]byte("1")) })
		want(t, "first", got, "1")
		if n := b.log.count("DescribeStreamSummary"); n < 1 || b.log.count("level=WARN") != 1 || b.count("DescribeStreamSummary") != 1 {
			t.Errorf("%d lines name the action, log:\n%s", n, &b.log.b)
		}
		k.Put([]byte("2"))
		got, _ = again(t, k, p, denied, nil)
		want(t, "second", got, "2")
		k.Recreate() // refused places are all that is noticed
		for _, id := range k.Open() {
			if err := k.PutTo(id, []byte("3 "+id)); err != nil {
				t.Fatal(err)
			}
		}
		got, _ = again(t, k, p, denied, nil)
		want(t, "made anew", got, "3 shardId-000000000000", "3 shardId-000000000001")
	})
}

// A place that is older than the retention period, or that AWS refuses, is
// given up for the oldest record.
func TestKinesisGap(t *testing.T) {
	for name, c := range map[string]struct {
		refuse bool
		gap    string
	}{"old": {false, "3600"}, "old and refused": {true, "3600"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, p := &demo.Kinesis{}, &places{}
				refuses := func(w http.ResponseWriter, op, body string, _ *http.Request) bool {
					if op != "GetShardIterator" || !c.refuse || !strings.Contains(body, "AFTER_SEQUENCE_NUMBER") {
						return false
					}
					refuse(w, 400, "InvalidArgumentException", "StartingSequenceNumber is invalid.")
					return true
				}
				began := time.Now()
				got, _ := again(t, k, p, nil, func() { k.Put([]byte("1")) })
				want(t, "first", got, "1")
				time.Sleep(2 * time.Second)
				k.Put([]byte("lost"))
				time.Sleep(time.Until(began.Add(25*time.Hour + 3*time.Second)))
				k.Put([]byte("2"))
				got, b := again(t, k, p, refuses, nil)
				want(t, "second", got, "2")
				if n := b.log.count("level=ERROR"); n != 1 {
					t.Errorf("%d error lines, want one:\n%s", n, &b.log.b)
				}
				if n := b.count("GetShardIterator"); n != 2 {
					t.Errorf("%d calls of GetShardIterator, want the one in vain and one", n)
				}
				counter(t, b, "flowlog_source_gap_seconds_total", c.gap)
				got, b = again(t, k, p, refuses, nil)
				if !c.refuse {
					want(t, "third", got)
					counter(t, b, "flowlog_source_gap_seconds_total", "0")
				}
			})
		})
	}
}

// A shard without records has no gap, however old its place is.
func TestKinesisIdleShardHasNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := &demo.Kinesis{}, &places{}
		got, _ := again(t, k, p, nil, func() {
			k.Put([]byte("1"))
			time.Sleep(30 * time.Hour)
		}, 2*time.Minute)
		want(t, "first", got, "1")
		got, b := again(t, k, p, nil, func() { k.Put([]byte("2")) })
		want(t, "second", got, "2")
		counter(t, b, "flowlog_source_gap_seconds_total", "0")
		if b.log.count("level=ERROR") != 0 {
			t.Errorf("log:\n%s", &b.log.b)
		}
	})
}
