package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
)

// net10 places sources in 10.0.0.0/24; a source of 10.0.0.9 is ambiguous.
type net10 struct{ subnet flow.Subnet }

var inside = netip.MustParsePrefix("10.0.0.0/24")

func (l *net10) Locate(records []flow.Record) {
	for i := range records {
		if r := &records[i]; inside.Contains(r.Src) {
			r.Subnet, r.Direction, r.Ambiguous = &l.subnet, flow.Egress, r.Src.As4()[3] == 9
		}
	}
}

// locator places by one state of a book that changes.
type locator struct {
	book *atomic.Pointer[net10]
	*net10
}

func (l *locator) Begin() { l.net10 = l.book.Load() }

// tally adds up packets, and takes them for wrong when one body was placed by
// two states of the address book.
type tally struct {
	total   *uint64
	packets uint64
	by      *flow.Subnet
	mixed   *atomic.Bool
}

func (t *tally) Observe(records []flow.Record) {
	for i := range records {
		r := &records[i]
		if r.Subnet == nil {
			continue
		}
		if t.by != nil && t.by != r.Subnet {
			t.mixed.Store(true)
		}
		t.by = r.Subnet
		t.packets += r.Packets
	}
}

func (t *tally) Apply()   { *t.total += t.packets; t.Discard() }
func (t *tally) Discard() { t.packets, t.by = 0, nil }

// book is the ledger: a lock, and the places in the order in which they came.
type book struct {
	mu     sync.Mutex
	places []string
}

func (b *book) Apply(source string, place flow.Place, apply func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	apply()
	b.places = append(b.places, source+" "+place.Partition+" "+place.Position)
}

// diary notes who was told what.
type diary struct {
	name  string
	pages *[]string
}

func (d diary) Observe(source string, records []flow.Record) {
	*d.pages = append(*d.pages, fmt.Sprint(d.name, " ", source, " ", len(records), " placed ", records[0].Subnet != nil))
}

// bench is a pipeline among fakes, with the real reader.
type bench struct {
	Pipeline
	ledger  book
	table   atomic.Pointer[net10]
	packets uint64
	mixed   atomic.Bool
}

func newBench(observers ...Observer) *bench {
	b := &bench{}
	b.table.Store(&net10{})
	b.Pipeline = Pipeline{
		NewReader:  func(flowlog.Deliveries) Reader { return flowlog.NewReader(flowlog.Options{}) },
		NewLocator: func() Locator { return &locator{book: &b.table} },
		NewTally:   func() Tally { return &tally{total: &b.packets, mixed: &b.mixed} },
		Observers:  observers,
		Ledger:     &b.ledger,
		Accounts:   NewAccounts("test"),
	}
	return b
}

// lineOf is a record of the default format with 100 packets.
func lineOf(src string, end int64, status string) string {
	return fmt.Sprintf("2 123456789012 eni-1 %s 192.0.2.1 1 2 6 100 4000 %d %d ACCEPT %s\n", src, end, end, status)
}

func at(position string) flow.Place { return flow.Place{Partition: "shard", Position: position} }

func (b *bench) handle(t testing.TB, body flow.Body) {
	t.Helper()
	if err := b.Handle(context.Background(), body); err != nil {
		t.Fatal(err)
	}
}

func TestEveryRecordIsAccountedFor(t *testing.T) {
	b := newBench()
	text := lineOf("10.0.0.1", 0, "OK") + lineOf("10.0.0.9", 0, "OK") + lineOf("198.51.100.1", 0, "OK") + lineOf("-", 0, "NODATA") +
		lineOf("-", 0, "SKIPDATA") + lineOf("10.0.0.256", 0, "OK") + "bogus\n"
	b.handle(t, flow.Body{Source: "test", Place: at("1"), Data: []byte(text)})
	b.handle(t, flow.Body{Source: "test", Place: at("2"), Data: []byte("PAR1\x15\x04")})
	b.handle(t, flow.Body{Source: "other", Place: at("1"), Data: []byte(text)})
	b.handle(t, flow.Body{Source: "test", Place: at("3"), Data: nil})

	want := sheet{records: 7, counted: 2, unmatched: 1, ambiguous: 1}
	want.skipped[flow.NoData], want.skipped[flow.SkipData], want.skipped[flow.Malformed], want.skipped[flow.Format] = 1, 1, 1, 1
	other := want
	want.failures[flow.Content] = 1
	for source, want := range map[string]sheet{"test": want, "other": other} {
		got := b.Accounts.sources[source].sheet
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(sheet{}, delays{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
		if got.records != got.counted+got.skipped.Sum()+got.unmatched {
			t.Errorf("%s: the identity does not hold: %+v", source, got)
		}
	}
	if all := b.Accounts.Sum(); all.Records != 14 || all.Counted != 4 || all.Unmatched != 2 || all.Ambiguous != 2 || all.Skipped.Sum() != 8 || all.Failures[flow.Content] != 1 {
		t.Errorf("sum: %+v", all)
	}
	if b.packets != 400 {
		t.Errorf("%d packets, want 400", b.packets)
	}
	if diff := cmp.Diff([]string{"test shard 1", "test shard 2", "other shard 1", "test shard 3"}, b.ledger.places); diff != "" {
		t.Error(diff)
	}
}

// TestAStreamThatFailsCountsNothing: of a body that ends in an error of the
// machine nothing counts, its place stays, and the next body of the same worker
// inherits nothing.
func TestAStreamThatFailsCountsNothing(t *testing.T) {
	var told []string
	b := newBench(diary{"log", &told})
	reset := errors.New("connection reset")
	good := strings.Repeat(lineOf("10.0.0.1", 1, "OK"), 20_000) // more than a window and a block
	worker := b.newWorker()
	err := worker.handle(flow.Body{
		Source: "test", Place: at("1"), Stream: io.MultiReader(strings.NewReader(good), iotest.ErrReader(reset)),
	})
	if !errors.Is(err, reset) {
		t.Fatalf("error %v", err)
	}
	if len(told) == 0 {
		t.Error("the stream failed before its first block; the test shows nothing")
	}
	if sum := b.Accounts.Sum(); sum != (Sum{}) || b.packets != 0 || b.ledger.places != nil {
		t.Errorf("a stream that failed left %+v, %d packets, places %v", sum, b.packets, b.ledger.places)
	}
	if err := worker.handle(flow.Body{Source: "test", Place: at("2"), Data: []byte(lineOf("10.0.0.1", 1, "OK"))}); err != nil {
		t.Fatal(err)
	}
	if sum := b.Accounts.Sum(); sum.Records != 1 || sum.Counted != 1 || b.packets != 100 {
		t.Errorf("after the next body: %+v, %d packets", sum, b.packets)
	}
	if diff := cmp.Diff([]string{"test shard 2"}, b.ledger.places); diff != "" {
		t.Error(diff)
	}
}

func TestObserversAreToldInOrder(t *testing.T) {
	var told []string
	b := newBench(diary{"first", &told}, diary{"second", &told})
	b.handle(t, flow.Body{Source: "test", Place: at("1"), Data: []byte(lineOf("10.0.0.1", 1, "OK") + lineOf("10.0.0.1", 1, "OK"))})
	if diff := cmp.Diff([]string{"first test 2 placed true", "second test 2 placed true"}, told); diff != "" {
		t.Error(diff)
	}
}

// TestDelay: a bound belongs to its bucket, the future has no delay, records
// without an end or without a subnet have none to tell of.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		b := newBench()
		var text string
		for _, age := range []int64{0, 30, 31, 300, 301, 1800, 1801, -clockTolerance, -clockTolerance - 1} {
			text += lineOf("10.0.0.1", now-age, "OK")
		}
		text += lineOf("10.0.0.1", 0, "OK") + lineOf("198.51.100.1", now, "OK")
		b.handle(t, flow.Body{Source: "test", Place: at("1"), Data: []byte(text)})
		b.Accounts.sources["test"].born = time.Time{}
		want := `
# HELP flowlog_last_record_end_timestamp_seconds End of the newest capture window counted.
# TYPE flowlog_last_record_end_timestamp_seconds gauge
flowlog_last_record_end_timestamp_seconds{source="test"} ` + strconv.FormatFloat(float64(now+clockTolerance), 'g', -1, 64) + `
# HELP flowlog_record_delay_seconds Time from the end of a record's capture window until the exporter counted it.
# TYPE flowlog_record_delay_seconds histogram
`
		for _, bucket := range []struct {
			le string
			n  int
		}{{"30", 4}, {"60", 5}, {"120", 5}, {"180", 5}, {"300", 6}, {"450", 7}, {"600", 7}, {"900", 7}, {"1200", 7}, {"1500", 7}, {"1800", 8}, {"+Inf", 9}} {
			want += fmt.Sprintf("flowlog_record_delay_seconds_bucket{source=\"test\",le=%q} %d\n", bucket.le, bucket.n)
		}
		want += `flowlog_record_delay_seconds_sum{source="test"} 4263
flowlog_record_delay_seconds_count{source="test"} 9
`
		err := testutil.CollectAndCompare(b.Accounts, strings.NewReader(want), "flowlog_record_delay_seconds", "flowlog_last_record_end_timestamp_seconds")
		if err != nil {
			t.Error(err)
		}
	})
}

// TestHandleFromManyGoroutines: 8 sources at once, of which some fail, while the
// address book is replaced under them. Run it with -race.
func TestHandleFromManyGoroutines(t *testing.T) {
	const sources, bodies = 8, 6
	b := newBench()
	text := strings.Repeat(lineOf("10.0.0.1", 1, "OK"), 500) + lineOf("198.51.100.1", 1, "OK") + lineOf("-", 1, "NODATA")
	long := strings.Repeat(text, 50) // streams of more than one block
	stop := make(chan struct{})
	var replaced, handled sync.WaitGroup
	replaced.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				b.table.Store(&net10{})
			}
		}
	})
	for s := range sources {
		handled.Go(func() {
			for i := range bodies {
				body := flow.Body{Source: "test", Place: flow.Place{Partition: strconv.Itoa(s), Position: strconv.Itoa(i)}, Data: []byte(text)}
				fails := i%3 == 2
				switch i % 3 {
				case 1:
					body.Data, body.Stream = nil, strings.NewReader(long)
				case 2:
					body.Data, body.Stream = nil, io.MultiReader(strings.NewReader(long), iotest.ErrReader(io.ErrUnexpectedEOF))
				}
				if err := b.Handle(context.Background(), body); (err != nil) != fails {
					t.Errorf("body %d of %d: %v", i, s, err)
				}
			}
		})
	}
	handled.Wait()
	close(stop)
	replaced.Wait()
	const good, texts = sources * bodies * 2 / 3, sources * bodies / 3 * (1 + 50)
	sum := b.Accounts.Sum()
	if sum.Records != texts*502 || sum.Counted != texts*500 || sum.Unmatched != texts || sum.Skipped[flow.NoData] != texts {
		t.Errorf("%+v", sum)
	}
	if b.packets != texts*500*100 || len(b.ledger.places) != good {
		t.Errorf("%d packets, %d places", b.packets, len(b.ledger.places))
	}
	if b.mixed.Load() {
		t.Error("a body was placed by two states of the address book")
	}
	slices.Sort(b.ledger.places)
	if n := len(slices.Compact(b.ledger.places)); n != good {
		t.Errorf("only %d places differ", n)
	}
}

func TestHandleAllocatesNothing(t *testing.T) {
	b := newBench()
	b.Ledger = instant{}
	body := flow.Body{Source: "test", Data: []byte(strings.Repeat(lineOf("10.0.0.1", 1, "OK"), 200))}
	n := testing.AllocsPerRun(100, func() {
		b.handle(t, body)
	})
	if n != 0 {
		t.Errorf("%v allocations a body", n)
	}
}

// instant is a ledger that remembers nothing.
type instant struct{}

func (instant) Apply(_ string, _ flow.Place, apply func()) { apply() }

func TestMetricsAreWellNamed(t *testing.T) {
	a := NewAccounts("test")
	problems, err := testutil.CollectAndLint(a)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if err := prometheus.NewPedanticRegistry().Register(a); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(a); n != 6+flow.NumReasons+flow.NumStages {
		t.Errorf("%d series before the first record", n)
	}
}
