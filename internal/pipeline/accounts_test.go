package pipeline

import (
	"math/rand/v2"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
)

// Every delay is in the first bucket whose bound it does not exceed.
func TestDelaysFallIntoTheirBuckets(t *testing.T) {
	for seconds := int64(-100); seconds < 2500; seconds++ {
		want := 0
		for want < len(delayBounds) && seconds > delayBounds[want] {
			want++
		}
		var d delays
		d.observe(seconds, 3)
		if d.buckets[want] != 3 || d.sum != 3*uint64(max(seconds, 0)) {
			t.Fatalf("%d s: %+v, want bucket %d", seconds, d, want)
		}
	}
	for _, bound := range delayBounds {
		if bound%delayStep != 0 {
			t.Errorf("the bound %d is no multiple of %d", bound, delayStep)
		}
	}
	if last := delayBounds[len(delayBounds)-1]; last != int64(len(bucketOf)-1)*delayStep {
		t.Errorf("buckets are known up to %d s, want %d", (len(bucketOf)-1)*delayStep, last)
	}
}

// Records that are alike are accounted for together, with what each of them alone
// would bring.
func TestNeighboursCountAsOften(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	homes := []*flow.Subnet{nil, {}, {Slot: 1}}
	var together, alone sheet
	for range 200 {
		b := &flowlog.Block{Records: make([]flow.Record, r.IntN(20))}
		for i := range b.Records {
			b.Records[i] = flow.Record{Subnet: homes[r.IntN(3)], End: 1_700_000_000 * int64(r.IntN(2)), Ambiguous: r.IntN(2) == 0}
			if i > 0 && r.IntN(3) > 0 {
				b.Records[i] = b.Records[i-1]
			}
			alone.observe(&flowlog.Block{Records: b.Records[i : i+1]}, 1_700_000_700)
		}
		together.observe(b, 1_700_000_700)
	}
	if together != alone {
		t.Errorf("together %+v, alone %+v", together, alone)
	}
}

// sheetBlock is a placed block whose windows ended some time ago.
func sheetBlock() *flowlog.Block {
	b := &flowlog.Block{Records: make([]flow.Record, 1024)}
	home := &flow.Subnet{}
	for i := range b.Records {
		b.Records[i] = flow.Record{Subnet: home, End: 1_700_000_000 + int64(i*37%600)}
	}
	return b
}

func TestAccountingDoesNotAllocate(t *testing.T) {
	var (
		s sheet
		w Window
		b = sheetBlock()
		d = w.Deliveries()
		n = 0
	)
	event := make([]byte, 56)
	deliver := func() {
		n++
		event[0], event[1], event[2] = byte(n), byte(n>>8), byte(n>>16)
		if !d.Fresh([]byte("eni-0123456789abcdef0-all"), event, event, 222) {
			t.Fatal("not fresh")
		}
		d.Apply()
	}
	for range 2 * WindowDeliveries { // until the window is full
		deliver()
	}
	if n := testing.AllocsPerRun(1000, func() { s.observe(b, 1_700_000_700); deliver() }); n != 0 {
		t.Errorf("%v allocations for a body", n)
	}
}

// BenchmarkObserve tells the time per record.
func BenchmarkObserve(b *testing.B) {
	var s sheet
	block := sheetBlock()
	for b.Loop() {
		s.observe(block, 1_700_000_700)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(block.Records)), "ns/record")
}
