package pipeline

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

var sheets = cmp.AllowUnexported(account{}, sheet{}, delays{})

// some is an account in which every number is another.
func some() *account {
	a := &account{born: time.Unix(1_700_000_000, 123456789)}
	a.counted, a.unmatched, a.ambiguous, a.lastEnd = 1000, 20, 3, 1_700_000_060
	for i := range a.skipped {
		a.skipped[i] = uint64(i + 1)
	}
	for i := range a.failures {
		a.failures[i] = uint64(300 + i)
	}
	for i := range a.delay.buckets {
		a.delay.buckets[i] = uint64(i * i)
	}
	a.delay.sum = 12345
	a.records = a.counted + a.unmatched + a.skipped.Sum()
	return a
}

func TestAccountsOutliveTheProcess(t *testing.T) {
	a := NewAccounts("kinesis", "gone")
	a.sources["kinesis"] = some()
	b := NewAccounts("kinesis", "new")
	born := b.sources["new"].born
	if err := b.RestoreState(a.AppendState(nil)); err != nil {
		t.Fatal(err)
	}
	gone := &account{born: time.Unix(0, a.sources["gone"].born.UnixNano())}
	want := map[string]*account{"kinesis": some(), "gone": gone, "new": {born: born}}
	if diff := cmp.Diff(want, b.sources, sheets); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(b)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range families[0].GetMetric() {
		if m.GetLabel()[0].GetValue() == "kinesis" && m.GetCounter() != nil && !m.GetCounter().GetCreatedTimestamp().AsTime().Equal(some().born) {
			t.Errorf("created %v, want %v", m.GetCounter().GetCreatedTimestamp().AsTime(), some().born)
		}
	}
}

func TestAccountsBeginAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAccounts("kinesis")
		a.sources["kinesis"] = some()
		time.Sleep(time.Hour)
		a.ResetState()
		if diff := cmp.Diff(map[string]*account{"kinesis": {born: time.Now()}}, a.sources, sheets); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// accounts1 is the state of version 1 with five stages, for ever.
const accounts1 = "0101076b696e65736973aab4aed8c7bfce972f04a008e807140308010203040506070805ac02ad02ae02af02b0020c1e003c017804b40109ac0210c20319d80424840731b00940dc0b51880e64ffffffffffffffffff0179b960f8c49fd50c"

func TestAccountsOfVersion1(t *testing.T) {
	state, err := hex.DecodeString(accounts1)
	if err != nil {
		t.Fatal(err)
	}
	a := NewAccounts("kinesis")
	if err := a.RestoreState(state); err != nil {
		t.Fatal(err)
	}
	got := a.Sum()
	if got.Counted != 1000 || got.Skipped[flow.OtherENI] != 8 || got.Failures[flow.Panicked] != 304 {
		t.Errorf("%+v", got)
	}
}

// What was written by a program that counted less is taken, by one that counts
// more is not.
func TestAccountsOfOtherPrograms(t *testing.T) {
	state := func(reasons, stages int, bounds ...uint64) []byte {
		b := append([]byte{1, 1, 1, 'k'}, 2) // born 1 ns after 1970
		b = appendList(b, []uint64{uint64(reasons) + 7, 7, 0, 0})
		for _, n := range []int{reasons, stages} {
			list := make([]uint64, n)
			for i := range list {
				list[i] = 1
			}
			b = appendList(b, list)
		}
		b = binary.AppendUvarint(b, uint64(len(bounds)))
		for _, bound := range bounds {
			b = binary.AppendUvarint(binary.AppendUvarint(b, bound), 1)
		}
		return append(b, 9, 0) // sum of delays, last end
	}
	for _, test := range []struct {
		name  string
		state []byte
		ok    bool
	}{
		{"as many", state(flow.NumReasons, flow.NumStages, 30, 60), true},
		{"fewer", state(flow.NumReasons-2, flow.NumStages-1), true},
		{"more reasons", state(flow.NumReasons+1, flow.NumStages), false},
		{"more stages", state(flow.NumReasons, flow.NumStages+1), false},
	} {
		a := NewAccounts()
		if err := a.RestoreState(test.state); (err == nil) != test.ok || len(a.sources) != map[bool]int{true: 1}[test.ok] {
			t.Errorf("%s: %v, %d sources", test.name, err, len(a.sources))
		}
	}
	a := NewAccounts()
	if err := a.RestoreState(state(0, 0, 7, 30, 31, 1800, 3600, math.MaxUint64)); err != nil {
		t.Fatal(err)
	}
	if got := a.sources["k"].delay; got.buckets[0] != 2 || got.buckets[1] != 1 || got.buckets[len(delayBounds)-1] != 1 || got.buckets[len(delayBounds)] != 2 {
		t.Errorf("buckets of other bounds: %v", got.buckets)
	}
}

func TestDamagedAccounts(t *testing.T) {
	a := NewAccounts("kinesis")
	a.sources["kinesis"] = some()
	state := a.AppendState(nil)
	damaged := [][]byte{nil, {0}, {2, 0}, append(bytes.Clone(state), 0), bytes.Replace(state, []byte("kinesis"), []byte("kin\x1bsis"), 1),
		bytes.Replace(state, []byte("kinesis"), []byte("kin\xffsis"), 1), append(append([]byte{1, 2}, state[2:]...), state[2:]...)}
	for n := range state {
		damaged = append(damaged, state[:n])
	}
	for _, d := range damaged {
		b := NewAccounts("other")
		if err := b.RestoreState(d); err == nil || len(b.sources) != 1 {
			t.Errorf("%x: %v", d, err)
		}
	}
	wrong := some()
	wrong.counted++
	a.sources["kinesis"] = wrong
	if err := NewAccounts().RestoreState(a.AppendState(nil)); err == nil {
		t.Error("records are taken that do not add up")
	}
}

func FuzzRestoreAccounts(f *testing.F) {
	a := NewAccounts("kinesis", "file")
	a.sources["kinesis"] = some()
	state := a.AppendState(nil)
	golden, _ := hex.DecodeString(accounts1)
	for _, s := range [][]byte{nil, {1, 0}, {1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, state, state[:len(state)/2], golden} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		a, b := NewAccounts(), NewAccounts()
		if a.RestoreState(state) != nil {
			if len(a.sources) > 0 {
				t.Error("an error has left something behind")
			}
			return
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(a)
		if _, err := registry.Gather(); err != nil {
			t.Errorf("what was restored cannot be scraped: %v", err)
		}
		written := a.AppendState(nil)
		if err := b.RestoreState(written); err != nil || !bytes.Equal(written, b.AppendState(nil)) {
			t.Errorf("round trip: %v", err)
		}
	})
}
