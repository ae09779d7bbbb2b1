package ledger

import (
	"strconv"
	"sync"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// TestTotalsAndPlacesMoveTogether looks at the ledger while bodies are counted:
// the total is at all times the sum of what the places say.
func TestTotalsAndPlacesMoveTogether(t *testing.T) {
	var l Ledger
	var total int
	var writers sync.WaitGroup
	shards := []string{"a", "b", "c"}
	for _, shard := range shards {
		writers.Go(func() {
			for i := 1; i <= 500; i++ {
				l.Apply("kinesis", flow.Place{Partition: shard, Position: strconv.Itoa(i)}, func() { total++ })
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	look := func() {
		l.Do(func() {
			sum := 0
			for _, position := range l.places {
				n, _ := strconv.Atoi(position)
				sum += n
			}
			if sum != total {
				t.Errorf("places say %d bodies, totals %d", sum, total)
			}
		})
	}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		look()
	}
	for _, shard := range shards {
		if got, ok := l.Of("kinesis").Place(shard); !ok || got != "500" {
			t.Errorf("place of %s = %q, %v", shard, got, ok)
		}
	}
}

func TestPlacesAreKeptBySource(t *testing.T) {
	var l Ledger
	l.Apply("one", flow.Place{Partition: "shard", Position: "7"}, func() {})
	l.Apply("one", flow.Place{}, func() {})
	if _, ok := l.Of("two").Place("shard"); ok {
		t.Error("a place of one source shows in another")
	}
	if len(l.places) != 1 {
		t.Errorf("a body without a partition left a place: %v", l.places)
	}
}
