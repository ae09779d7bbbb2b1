package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// handlerFunc is a Handler.
type handlerFunc func(context.Context, flow.Body) error

func (f handlerFunc) Handle(ctx context.Context, b flow.Body) error { return f(ctx, b) }

// bench is a source before an endpoint, within a synctest bubble.
type bench struct {
	*Kinesis
	log    lockedBuffer
	reg    *prometheus.Registry
	cancel context.CancelFunc
	ended  chan error

	mu    sync.Mutex
	calls []string // "operation arguments"
	got   []string
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// endpoint may answer a call itself, and says so; else the demo does.
type endpoint func(w http.ResponseWriter, op, body string, r *http.Request) bool

func newBench(k *demo.Kinesis, before endpoint) *bench {
	b := &bench{reg: prometheus.NewRegistry(), ended: make(chan error, 1)}
	wire := memory{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		b.mu.Lock()
		b.calls = append(b.calls, op+" "+string(text))
		b.mu.Unlock()
		if before != nil && before(w, op, string(text), r) {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(text))
		k.ServeHTTP(w, r)
	})}
	b.Kinesis = &Kinesis{
		Name: "test", Stream: "demo",
		AWS: aws.Config{
			Region: "eu-west-1", HTTPClient: wire, BaseEndpoint: aws.String("http://kinesis.test"),
			Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		},
		Handler: handlerFunc(func(_ context.Context, body flow.Body) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.got = append(b.got, string(body.Data))
			return nil
		}),
		Start:   Start{TrimHorizon: true},
		Metrics: NewMetrics(b.reg),
		Logger:  slog.New(slog.NewTextHandler(&b.log, nil)),
	}
	return b
}

func (b *bench) start(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b.cancel = cancel
	go func() { b.ended <- b.Run(ctx) }()
}

func (b *bench) stop(t *testing.T) {
	t.Helper()
	b.cancel()
	if err := <-b.ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

func (b *bench) sorted() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(slices.Values(b.got))
}

func (b *bench) want(t *testing.T, want ...string) {
	t.Helper()
	if got := b.sorted(); !slices.Equal(got, want) {
		t.Errorf("handled %q, want %q", got, want)
	}
}

func (b *bench) count(call string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.calls {
		if strings.HasPrefix(c, call) {
			n++
		}
	}
	return n
}

// metric returns the series of a metric as "labels value".
func (b *bench) metric(t *testing.T, name string) (series []string) {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				if l.GetName() != "source" {
					labels = append(labels, l.GetValue())
				}
			}
			v := m.GetCounter().GetValue() + m.GetGauge().GetValue()
			series = append(series, strings.TrimSpace(fmt.Sprintf("%s %g", strings.Join(labels, " "), v)))
		}
	}
	return series
}

func TestKinesisListsAllPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &demo.Kinesis{Shards: 7, Page: 2}
		for i, id := range k.Open() {
			if err := k.PutTo(id, fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		refused := false
		b := newBench(k, func(w http.ResponseWriter, op, body string, _ *http.Request) bool {
			if op != "ListShards" || !strings.Contains(body, "NextToken") || refused {
				return false
			}
			refused = true
			refuse(w, 400, "ExpiredNextTokenException", "The token is expired.")
			return true
		})
		b.start(t)
		time.Sleep(10 * time.Second)
		b.want(t, "0", "1", "2", "3", "4", "5", "6")
		if n := b.count("ListShards"); n != 2+4 {
			t.Errorf("%d calls of ListShards, want the 2 of the broken listing and 4 pages", n)
		}
		b.stop(t)
	})
}

func TestKinesisShardsFlagWarnsOnce(t *testing.T) {
	for want, lines := range map[int]int{0: 0, 2: 0, 3: 1} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(&demo.Kinesis{Shards: 2}, nil)
			b.WantShards = want
			b.start(t)
			time.Sleep(10 * time.Minute)
			if n := b.log.count("number of open shards"); n != lines {
				t.Errorf("-shards %d of 2: %d warnings, want %d", want, n, lines)
			}
			b.stop(t)
		})
	}
}

// The first iterator is lost on the way, the second expires before the first
// record: what arrived meanwhile is read all the same, what was there before is not.
func TestKinesisLatestIsPinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &demo.Kinesis{}
		k.Put([]byte("old"))
		time.Sleep(5 * time.Second)
		iterators, reads := 0, 0
		b := newBench(k, func(w http.ResponseWriter, op, _ string, _ *http.Request) bool {
			switch op {
			case "GetShardIterator":
				iterators++
				if iterators == 1 {
					panic(http.ErrAbortHandler)
				}
			case "GetRecords":
				reads++
				if reads == 1 {
					k.Put([]byte("new 2"))
					refuse(w, 400, "ExpiredIteratorException", "Iterator expired.")
					return true
				}
			}
			return false
		})
		b.Start = Start{}
		b.start(t)
		synctest.Wait()
		if err := b.Ready(); err != nil {
			t.Fatal(err)
		}
		k.Put([]byte("new 1"))
		time.Sleep(10 * time.Second)
		b.want(t, "new 1", "new 2")
		b.stop(t)
	})
}

func TestKinesisCancelFinishesThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &demo.Kinesis{}
		for i := range 3 {
			k.Put(fmt.Append(nil, i))
		}
		b := newBench(k, nil)
		handle, first, release := b.Handler, make(chan struct{}), make(chan struct{})
		b.Handler = handlerFunc(func(ctx context.Context, body flow.Body) error {
			if string(body.Data) == "0" {
				close(first)
				<-release
			}
			if err := ctx.Err(); err != nil {
				t.Errorf("the handler's context ended: %v", err)
			}
			return handle.Handle(ctx, body)
		})
		b.start(t)
		<-first
		b.cancel()
		synctest.Wait()
		calls := len(b.calls)
		close(release)
		b.stop(t)
		b.want(t, "0", "1", "2")
		if len(b.calls) != calls {
			t.Errorf("calls after the end: %q", b.calls[calls:])
		}
	})
}

func TestKinesisHandlerErrorEndsRun(t *testing.T) {
	broken := errors.New("disk full")
	synctest.Test(t, func(t *testing.T) {
		k := &demo.Kinesis{Shards: 2}
		for i := range 6 {
			if err := k.PutTo(k.Open()[i%2], fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		b := newBench(k, nil)
		handle := b.Handler
		b.Handler = handlerFunc(func(ctx context.Context, body flow.Body) error {
			if string(body.Data) == "2" {
				return broken
			}
			return handle.Handle(ctx, body)
		})
		b.start(t)
		if err := <-b.ended; !errors.Is(err, broken) {
			t.Errorf("Run = %v, want %v", err, broken)
		}
		if got := b.sorted(); slices.Contains(got, "4") || slices.Contains(got, "2") {
			t.Errorf("handled %q, want nothing behind the failed body of its shard", got)
		}
	})
}

func TestKinesisFailingShardStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &demo.Kinesis{Shards: 3}
		ids := k.Open()
		var bad atomic.Bool
		bad.Store(true)
		b := newBench(k, func(w http.ResponseWriter, op, body string, _ *http.Request) bool {
			if op != "GetShardIterator" || !bad.Load() || !strings.Contains(body, ids[1]) {
				return false
			}
			refuse(w, 400, "AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized to perform: kinesis:GetShardIterator on resource: arn:aws:kinesis:eu-west-1:1:stream/demo because no policy allows it")
			return true
		})
		b.start(t)
		for i := range 60 {
			time.Sleep(time.Minute)
			for _, id := range ids {
				if err := k.PutTo(id, fmt.Appendf(nil, "%s %02d", id, i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(10 * time.Second)
		if n := len(b.sorted()); n != 120 {
			t.Errorf("%d records of the two good shards, want 120", n)
		}
		if n := b.log.count("reading Kinesis fails"); n < 6 || n > 7 {
			t.Errorf("%d lines in an hour, want one at once and one every ten minutes:\n%s", n, &b.log.b)
		}
		if b.log.count(`Add to the policy`) == 0 {
			t.Errorf("the log has no remedy: %s", &b.log.b)
		}
		if got := b.metric(t, "flowlog_source_up"); !slices.Equal(got, []string{"0"}) {
			t.Errorf("up = %v, want 0", got)
		}
		bad.Store(false)
		time.Sleep(2 * time.Minute)
		if n := len(b.sorted()); n != 180 {
			t.Errorf("%d records after the repair, want 180", n)
		}
		if got := b.metric(t, "flowlog_source_up"); !slices.Equal(got, []string{"1"}) {
			t.Errorf("up = %v, want 1", got)
		}
		if n := b.log.count("works again"); n != 1 {
			t.Errorf("%d lines of recovery, want 1", n)
		}
		b.stop(t)
	})
}

// A second run with the places of the first goes on where that one ended, also
// in shards that were split meanwhile, though it starts at latest.
func TestKinesisResumesAtPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &demo.Kinesis{}
		var ledger places
		run := func(during func()) []string {
			b := newBench(k, nil)
			handle := b.Handler
			b.Places, b.Start = &ledger, Start{}
			b.Handler = handlerFunc(func(ctx context.Context, body flow.Body) error {
				ledger.Pin(body.Place.Partition, body.Place.Position)
				return handle.Handle(ctx, body)
			})
			b.start(t)
			time.Sleep(2 * time.Second)
			during()
			time.Sleep(5 * time.Second)
			b.stop(t)
			return b.sorted()
		}
		k.Put([]byte("0 before"))
		time.Sleep(5 * time.Second)
		if got := run(func() { k.Put([]byte("1 read")) }); !slices.Equal(got, []string{"1 read"}) {
			t.Errorf("first run handled %q", got)
		}
		k.Put([]byte("2 missed"))
		if err := k.Split(k.Open()[0]); err != nil {
			t.Fatal(err)
		}
		k.Put([]byte("3 missed, in a child"))
		time.Sleep(time.Hour)
		got := run(func() { k.Put([]byte("4 new")) })
		if want := []string{"2 missed", "3 missed, in a child", "4 new"}; !slices.Equal(got, want) {
			t.Errorf("second run handled %q, want %q", got, want)
		}
	})
}

// A handler that takes longer than an iterator lives loses and doubles nothing.
func TestKinesisSlowHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &demo.Kinesis{}
		k.Put([]byte("1"))
		b := newBench(k, nil)
		handle := b.Handler
		b.Handler = handlerFunc(func(ctx context.Context, body flow.Body) error {
			if string(body.Data) == "1" {
				time.Sleep(6 * time.Minute)
				k.Put([]byte("2"))
			}
			return handle.Handle(ctx, body)
		})
		b.start(t)
		time.Sleep(10 * time.Minute)
		b.want(t, "1", "2")
		if b.count("GetShardIterator") != 2 {
			t.Errorf("the iterator did not expire: %q", b.calls)
		}
		b.stop(t)
	})
}

func TestKinesisCallThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &demo.Kinesis{}
		k.Put([]byte("1"))
		hangs := 0
		b := newBench(k, func(_ http.ResponseWriter, op, _ string, r *http.Request) bool {
			if op != "GetRecords" || hangs == 1 {
				return false
			}
			hangs++
			<-r.Context().Done()
			return true
		})
		b.start(t)
		time.Sleep(callTimeout + 3*time.Second)
		b.want(t, "1")
		if got := b.metric(t, "flowlog_source_request_failures_total"); !slices.Contains(got, "get_records network 1") {
			t.Errorf("failures = %q, want one of the network", got)
		}
		b.stop(t)
	})
}

// A shard whose records all went over the retention period ends; its children
// are read.
func TestKinesisShardLeavesTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &demo.Kinesis{}
		parent := k.Open()[0]
		var left atomic.Bool
		b := newBench(k, func(w http.ResponseWriter, op, body string, r *http.Request) bool {
			switch {
			case !left.Load():
				return false
			case op == "ListShards":
				whole := newAnswer(k, body, r)
				_, after, _ := strings.Cut(whole, `{"HashKeyRange"`)
				_, rest, _ := strings.Cut(after, `{"HashKeyRange"`)
				_, _ = io.WriteString(w, `{"Shards":[{"HashKeyRange"`+rest)
				return true
			case strings.Contains(body, parent) || op == "GetRecords" && shardOfBody(body) == parent:
				refuse(w, 400, "ResourceNotFoundException", "Shard "+parent+" in stream demo under account 1 does not exist")
				return true
			}
			return false
		})
		b.start(t)
		time.Sleep(2 * time.Second)
		if err := k.Split(parent); err != nil {
			t.Fatal(err)
		}
		left.Store(true)
		for _, id := range k.Open() {
			if err := k.PutTo(id, []byte(id)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * time.Minute)
		b.want(t, k.Open()...)
		if b.log.count("left the stream") != 1 {
			t.Errorf("log: %s", &b.log.b)
		}
		if got := b.metric(t, "flowlog_source_shards"); !slices.Equal(got, []string{"closed 0", "reading 2", "waiting 0"}) {
			t.Errorf("shards = %q", got)
		}
		b.stop(t)
	})
}

func TestKinesisNotReady(t *testing.T) {
	cases := map[string]struct {
		stream, want string
		before       endpoint
	}{
		"stream missing": {"nope", `stream "nope" not found in account 123456789012, region eu-west-1. Streams there: demo`, nil},
		"names denied": {
			"nope", `stream "nope" not found in account 123456789012, region eu-west-1.`,
			func(w http.ResponseWriter, op, _ string, _ *http.Request) bool {
				if op == "ListStreams" {
					refuse(w, 400, "AccessDeniedException", "no")
				}
				return op == "ListStreams"
			},
		},
		"token expired": {
			"demo", "the AWS session token has expired: calls are refused since 2000-01-01T00:00:00Z. Renew the credentials; retrying.",
			func(w http.ResponseWriter, _, _ string, _ *http.Request) bool {
				refuse(w, 400, "ExpiredTokenException", "The security token included in the request is expired")
				return true
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(&demo.Kinesis{}, c.before)
				b.Stream = c.stream
				if err := b.Ready(); !errors.Is(err, errUnlisted) {
					t.Errorf("Ready before Run = %v", err)
				}
				b.start(t)
				time.Sleep(10 * time.Second)
				if err := b.Ready(); err == nil || err.Error() != c.want {
					t.Errorf("Ready = %v, want %s", err, c.want)
				}
				b.stop(t)
			})
		})
	}
}

// newAnswer is what the endpoint itself would say.
func newAnswer(k *demo.Kinesis, body string, r *http.Request) string {
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(strings.NewReader(body))
	w := httptest.NewRecorder()
	k.ServeHTTP(w, r)
	return w.Body.String()
}

func shardOfBody(body string) string {
	var in map[string]any
	_ = json.Unmarshal([]byte(body), &in)
	return shardIn(in)
}
