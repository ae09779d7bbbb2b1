package pipeline

import (
	"bytes"
	"os"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// A Parquet object that turns out to be damaged behind its first row group
// counts as one failure; its place moves, and its worker is good for another.
func TestDamagedObjectDoesNotCount(t *testing.T) {
	data, err := os.ReadFile("../flowlog/testdata/parquet/groups.parquet")
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(data)
	copy(broken[len(data)/4:], make([]byte, 2000))
	w := newWay()
	worker := w.newWorker()
	for i, object := range [][]byte{broken, data, broken} {
		before := w.told
		body := flow.Body{Source: "kinesis", Place: flow.Place{Partition: "object", Position: string(rune('a' + i))}, Stream: bytes.NewReader(object)}
		if err := worker.handle(body); err != nil {
			t.Fatal(err)
		}
		if w.told == before {
			t.Errorf("object %d: no block came before the damage", i)
		}
	}
	sum := w.Accounts.Sum()
	failures := uint64(0)
	for _, n := range sum.Failures {
		failures += n
	}
	if sum.Records != 120 || w.applied == 0 || uint64(w.applied) != sum.Counted || failures != 2 || len(w.places) != 3 {
		t.Errorf("%+v, %d in the tally, places %v: want the 120 rows of one object, and two failures", sum, w.applied, w.places)
	}
}
