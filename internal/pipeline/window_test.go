package pipeline

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

func TestDuplicates(t *testing.T) {
	first := envelope("eni-1-all", true, 0, 3)
	for _, test := range []struct {
		name                string
		messages            []string
		counted, duplicates uint64
	}{
		{"delivered again", []string{first, first}, 3, 3},
		{"and again", []string{first, first, first}, 3, 6},
		{"twice in one message", []string{first + first}, 3, 3},
		{"another stream", []string{first, envelope("eni-2-all", true, 0, 3)}, 6, 0},
		{"other events", []string{first, envelope("eni-1-all", true, 3, 3)}, 6, 0},
		{"fewer events of the same ends", []string{first, strings.Replace(first,
			`{"id":"`+firstID+`01","message":"`+line+`"},`, "", 1)}, 5, 0},
		{"ids of emulators", []string{envelope("s", false, 0, 2), envelope("s", false, 0, 2)}, 4, 0},
		{"ids that are no digits", []string{strings.ReplaceAll(first, firstID, strings.Repeat("x", 54)),
			strings.ReplaceAll(first, firstID, strings.Repeat("x", 54))}, 6, 0},
		{"no events", []string{envelope("s", true, 0, 0), envelope("s", true, 0, 0)}, 0, 0},
		{"text", []string{line, line}, 2, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWay()
			w.handle(t, test.messages...)
			w.check(t, test.counted, test.duplicates, 0)
		})
	}
}

func TestWithoutAWindowNothingIsADuplicate(t *testing.T) {
	w := newWay()
	w.Window = nil
	w.handle(t, envelope("s", true, 0, 2), envelope("s", true, 0, 2))
	w.check(t, 4, 0, 0)
}

// More events than a block holds end with an id that no list has.
func TestLargeDeliveriesAreToldByTheirLastEvent(t *testing.T) {
	large := func(last string) string {
		events := strings.Repeat(`{"id":"`+firstID+`00","message":""},`, 16384+5)
		return `{"messageType":"DATA_MESSAGE","logStream":"s","logEvents":[` + events + `{"id":"` + firstID + last + `","message":""}]}`
	}
	w := newWay()
	w.handle(t, large("01"), large("02"), large("01"))
	w.check(t, 0, 16384+6, 0)
}

// A stream that fails is read again: what it brought is fresh then.
func TestDiscardedDeliveriesAreFreshAgain(t *testing.T) {
	w := newWay()
	doc := envelope("s", true, 0, 3)
	broken := io.MultiReader(strings.NewReader(doc+"\n"), errReader{})
	if err := w.Handle(t.Context(), flow.Body{Source: "kinesis", Stream: broken}); err == nil {
		t.Fatal("no error")
	}
	w.check(t, 0, 0, 0)
	if n := len(w.Window.taken); n != 0 {
		t.Errorf("%d deliveries are still taken", n)
	}
	if err := w.Handle(t.Context(), flow.Body{Source: "kinesis", Stream: strings.NewReader(doc)}); err != nil {
		t.Fatal(err)
	}
	w.check(t, 3, 0, 0)
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

// Of workers that see one delivery at the same time exactly one counts it, and
// it is not known before that one is applied.
func TestDeliveriesAreTakenOnSight(t *testing.T) {
	w := &Window{}
	var fresh atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			d := w.Deliveries()
			for i := range 1000 {
				if d.Fresh([]byte("s"), fmt.Append(nil, i), nil, 1) {
					fresh.Add(1)
				}
				d.Apply()
			}
		})
	}
	group.Wait()
	if n := fresh.Load(); n != 1000 {
		t.Errorf("%d of 1000 deliveries were fresh", n)
	}
	a, b := w.Deliveries(), w.Deliveries()
	before := w.AppendState(nil)
	if !a.Fresh(nil, []byte("x"), nil, 1) || b.Fresh(nil, []byte("x"), nil, 1) {
		t.Error("two workers took one delivery")
	}
	if !bytes.Equal(before, w.AppendState(nil)) {
		t.Error("a delivery on its way is in the state")
	}
	b.Discard() // of what it did not take
	if b.Fresh(nil, []byte("x"), nil, 1) {
		t.Error("a worker gave back what another has taken")
	}
	a.Apply()
	if bytes.Equal(before, w.AppendState(nil)) {
		t.Error("a delivery that counted is not in the state")
	}
}

// fill lets n deliveries count, numbered from first on.
func fill(d *Deliveries, first, n int) (fresh int) {
	for i := first; i < first+n; i++ {
		if d.Fresh([]byte("s"), fmt.Append(nil, i), nil, 1) {
			fresh++
		}
	}
	return fresh
}

func TestWindowIsBounded(t *testing.T) {
	for name, whole := range map[string]bool{"a body each": false, "one body": true} {
		t.Run(name, func(t *testing.T) {
			w := &Window{}
			d := w.Deliveries()
			for i := range WindowDeliveries + 1000 {
				fill(d, i, 1)
				if !whole {
					d.Apply()
				}
			}
			if n := len(w.taken); n != WindowDeliveries {
				t.Errorf("%d deliveries are taken", n)
			}
			d.Apply()
			if n := fill(d, 1000, WindowDeliveries); n != 0 || len(w.ring) != WindowDeliveries {
				t.Errorf("%d of the newest were forgotten, %d are kept", n, len(w.ring))
			}
			if n := fill(d, 0, 1000); n != 1000 {
				t.Errorf("%d of the oldest are forgotten, want 1000", n)
			}
		})
	}
}

func TestWindowOutlivesTheProcess(t *testing.T) {
	w := &Window{}
	d := w.Deliveries()
	fill(d, 0, WindowDeliveries)
	d.Apply()
	fill(d, WindowDeliveries, 10)
	d.Apply()
	fill(d, 1_000_000, 1) // on its way: not in the state
	var again Window
	if err := again.RestoreState(w.AppendState(nil)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(w.AppendState(nil), again.AppendState(nil)) {
		t.Error("the state changes on its way")
	}
	e := again.Deliveries()
	if n := fill(e, 10, WindowDeliveries); n != 0 {
		t.Errorf("%d deliveries were forgotten", n)
	}
	if n := fill(e, 1_000_000, 1); n != 1 {
		t.Error("a delivery that did not count is known")
	}
	e.Apply()
	if fill(e, 11, 1) != 0 || fill(e, 10, 1) != 1 {
		t.Error("another than the oldest has left")
	}
}

// The state of version 1, for ever.
const window1 = "0102a99df155cb2707a0087d3ee65b1be119" + "00112233445566778899aabbccddeeff"

func TestWindowOfVersion1(t *testing.T) {
	w := &Window{}
	d := w.Deliveries()
	d.Fresh([]byte("eni-1-all"), []byte("1"), []byte("2"), 3)
	d.Apply()
	state := hex.EncodeToString(w.AppendState(nil))
	if want := window1[:2] + "01" + window1[4:36]; state != want {
		t.Errorf("state %s, want %s: deliveries of the past are not known again", state, want)
	}
	old, _ := hex.DecodeString(window1)
	if err := w.RestoreState(old); err != nil || len(w.ring) != 2 {
		t.Errorf("%d deliveries, %v", len(w.ring), err)
	}
	if d.Fresh([]byte("eni-1-all"), []byte("1"), []byte("2"), 3) {
		t.Error("the delivery of a state of version 1 is fresh")
	}
}

func TestDamagedWindows(t *testing.T) {
	id := strings.Repeat("x", 16)
	for _, state := range []string{"", "\x00", "\x02\x00", "\x01", "\x01\x01", "\x01\x00x", "\x01\x01" + id[1:], "\x01\x02" + id, "\x01\x01" + id + id,
		"\x01\x02" + id + id, "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		w := &Window{}
		fill(w.Deliveries(), 0, 3)
		if err := w.RestoreState([]byte(state)); err == nil || len(w.taken) != 3 {
			t.Errorf("%q: %v, %d deliveries are left", state, err, len(w.taken))
		}
	}
}

func FuzzRestoreWindow(f *testing.F) {
	old, _ := hex.DecodeString(window1)
	for _, state := range []string{"", "\x01\x00", "\x01\x01", string(old), string(old[:20]), "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		f.Add([]byte(state))
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		var w, again Window
		if w.RestoreState(state) != nil {
			if w.ring != nil || w.taken != nil {
				t.Error("an error has left something behind")
			}
			return
		}
		written := w.AppendState(nil)
		if err := again.RestoreState(written); err != nil || !bytes.Equal(written, again.AppendState(nil)) {
			t.Errorf("round trip: %v", err)
		}
	})
}

// A full window allocates nothing more, nor does the way through.
func TestBodiesAllocateNothing(t *testing.T) {
	w := newWay()
	w.Ledger = quietLedger{}
	d := w.Window.Deliveries()
	fill(d, 0, WindowDeliveries)
	d.Apply()
	body := flow.Body{Source: "kinesis", Data: []byte(envelope("eni-1-all", true, 0, 3))}
	at := bytes.Index(body.Data, []byte(firstID))
	i := 0
	n := testing.AllocsPerRun(5000, func() {
		for j, rest := 0, i; j < 10; j, rest = j+1, rest/10 { // another delivery each
			body.Data[at+j] = '0' + byte(rest%10)
		}
		i++
		if err := w.Handle(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a body", n)
	}
	if w.Accounts.Sum().Counted != 3*5001 {
		t.Errorf("%+v", w.Accounts.Sum())
	}
}

// quietLedger keeps nothing.
type quietLedger struct{}

func (quietLedger) Apply(_ string, _ flow.Place, apply func()) { apply() }
