package ledger

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// TestBoundAgreesWithASortedList: whatever is counted, moved and forgotten, the
// highest positions stay, no more than allowed, and no other source loses any.
func TestBoundAgreesWithASortedList(t *testing.T) {
	const most = 8
	random := rand.New(rand.NewPCG(1, 1))
	l := &Ledger{}
	l.Bound("s3", most)
	l.Of("kinesis").Pin("shard", "0")
	want := map[string]string{}
	for i := range 5000 {
		name, position := fmt.Sprint(random.IntN(40)), fmt.Sprintf("%013d", random.IntN(1000)*10000+i)
		if random.IntN(4) == 0 {
			l.Of("s3").Pin(name, "")
			delete(want, name)
		} else {
			l.Apply("s3", flow.Place{Partition: name, Position: position}, func() {})
			want[name] = position
		}
		if len(want) > most {
			lowest := slices.MinFunc(slices.Collect(maps.Keys(want)), func(a, b string) int { return strings.Compare(want[a], want[b]) })
			delete(want, lowest)
		}
		for n := range 40 {
			got, _ := l.Of("s3").Place(fmt.Sprint(n))
			if got != want[fmt.Sprint(n)] {
				t.Fatalf("step %d: place of %d is %q, want %q", i, n, got, want[fmt.Sprint(n)])
			}
		}
		if n := len(l.bounds["s3"].order); n > 2*most+1 {
			t.Fatalf("step %d: %d entries for %d places", i, n, most)
		}
	}
	if p, ok := l.Of("kinesis").Place("shard"); !ok || p != "0" {
		t.Errorf("another source lost its place: %q %v", p, ok)
	}
}

// TestBoundAfterRestore: a state with more than is allowed is cut, and Newest
// goes on behind it.
func TestBoundAfterRestore(t *testing.T) {
	l := &Ledger{}
	l.Bound("s3", 3)
	s := &Snapshot{Generation: 1}
	for i, name := range []string{"e", "a", "d", "b", "c"} {
		s.Places = append(s.Places, Place{"s3", name, fmt.Sprintf("%013d", i)})
	}
	if err := l.Restore(s, false); err != nil {
		t.Fatal(err)
	}
	for name, there := range map[string]bool{"e": false, "a": false, "d": true, "b": true, "c": true} {
		if _, ok := l.Of("s3").Place(name); ok != there {
			t.Errorf("%s is remembered: %t, want %t", name, ok, there)
		}
	}
	if got := l.Of("s3").Newest(); got != "0000000000004" {
		t.Errorf("newest is %q", got)
	}
}
