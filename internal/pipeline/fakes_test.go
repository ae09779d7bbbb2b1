package pipeline

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
)

// way is a pipeline whose every part is counted.
type way struct {
	Pipeline
	readers, applied int
	places           []string
	told             int // records that the observer was told
}

// fakeTally counts records.
type fakeTally struct {
	way *way
	n   int
}

func (t *fakeTally) Observe(records []flow.Record) { t.n += len(records) }
func (t *fakeTally) Apply()                        { t.way.applied += t.n; t.n = 0 }
func (t *fakeTally) Discard()                      { t.n = 0 }

type fakeLocator func([]flow.Record)

func (f fakeLocator) Begin()                       {}
func (f fakeLocator) Locate(records []flow.Record) { f(records) }

type fakeLedger struct{ way *way }

func (l fakeLedger) Apply(_ string, place flow.Place, apply func()) {
	apply()
	l.way.places = append(l.way.places, place.Position)
}

type fakeObserver struct{ way *way }

func (o fakeObserver) Observe(_ string, records []flow.Record) { o.way.told += len(records) }

// newWay places all records in one subnet.
func newWay() *way {
	w := &way{}
	home := &flow.Subnet{CIDR: "10.0.0.0/8"}
	all := fakeLocator(func(records []flow.Record) {
		for i := range records {
			records[i].Subnet = home
		}
	})
	w.Pipeline = Pipeline{
		NewReader: func(known flowlog.Deliveries) Reader {
			w.readers++
			return flowlog.NewReader(flowlog.Options{Deliveries: known})
		},
		NewLocator: func() Locator { return all },
		NewTally:   func() Tally { return &fakeTally{way: w} },
		Observers:  []Observer{fakeObserver{w}},
		Ledger:     fakeLedger{w},
		Accounts:   NewAccounts("kinesis"),
		Window:     &Window{},
	}
	return w
}

// handle sends messages through, each at a place of its own.
func (w *way) handle(t testing.TB, messages ...string) {
	t.Helper()
	for _, m := range messages {
		body := flow.Body{Source: "kinesis", Place: flow.Place{Partition: "shard", Position: fmt.Sprint(len(w.places) + 1)}, Data: []byte(m)}
		if err := w.Handle(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	}
}

// check compares what was counted with what is wanted, and the accounts with
// their identity.
func (w *way) check(t testing.TB, counted, duplicates, panicked uint64) {
	t.Helper()
	sum := w.Accounts.Sum()
	if sum.Counted != counted || uint64(w.applied) != counted {
		t.Errorf("%d records counted, %d in the tally, want %d", sum.Counted, w.applied, counted)
	}
	if n := sum.Skipped[flow.Duplicate]; n != duplicates {
		t.Errorf("%d duplicates, want %d", n, duplicates)
	}
	if n := sum.Failures[flow.Panicked]; n != panicked {
		t.Errorf("%d messages set aside, want %d", n, panicked)
	}
	if sum.Records != sum.Counted+sum.Unmatched+sum.Skipped.Sum() {
		t.Errorf("the identity does not hold: %+v", sum)
	}
}

const line = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"

// firstID is the id of a log event as AWS makes it.
const firstID = "319531066069669833788090250798042111432896154242982215"

// envelope is a document of events that are numbered from first on. Without
// AWS the ids are as emulators write them.
func envelope(stream string, aws bool, first, events int) string {
	type event struct {
		ID      string `json:"id"`
		Message string `json:"message"`
	}
	list := make([]event, events)
	for i := range list {
		list[i] = event{fmt.Sprint(first + i), line}
		if aws {
			list[i].ID = fmt.Sprintf("%s%02d", firstID, first+i)
		}
	}
	text, err := json.Marshal(map[string]any{
		"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": stream, "logEvents": list,
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}
