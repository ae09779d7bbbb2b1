package way

import (
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// TestMeasuringDoesNotAllocate: what is found per body is the product's own.
func TestMeasuringDoesNotAllocate(t *testing.T) {
	dir := t.TempDir()
	o := corpus.Default()
	o.Records, o.MaxEvents, o.S3Bytes = 30, 80, 0
	if _, err := corpus.Write(dir, o); err != nil {
		t.Fatal(err)
	}
	in, err := Load(dir, corpus.KinesisV2)
	if err != nil {
		t.Fatal(err)
	}
	w := NewAged(in.Subnets, in.Formats, 100)
	pass := func() {
		if err := in.Pass(w, 1); err != nil {
			t.Error(err)
		}
	}
	pass()
	// A pass itself has a channel, a counter and a closure.
	if n := testing.AllocsPerRun(5, pass); n > 20 {
		t.Errorf("%v allocations in %d bodies", n, len(in.Bodies))
	}
	if s := w.Accounts.Sum(); s.Skipped[flow.Duplicate] > 0 || s.Counted == 0 {
		t.Errorf("%d records passed over as duplicates, %d counted", s.Skipped[flow.Duplicate], s.Counted)
	}
}
