package denylog

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// flaky is slow and fails in every way a writer may, until it is mended.
type flaky struct {
	random *rand.Rand
	out    bytes.Buffer
	mended atomic.Bool
}

func (w *flaky) Write(p []byte) (int, error) {
	if w.mended.Load() {
		return w.out.Write(p)
	}
	time.Sleep(time.Duration(w.random.IntN(400)) * time.Millisecond)
	switch w.random.IntN(4) {
	case 0:
		return 0, errFull
	case 1:
		n, _ := w.out.Write(p[:w.random.IntN(len(p))])
		return n, errFull
	case 2:
		n, _ := w.out.Write(p[:w.random.IntN(len(p)+1)])
		return n, nil // short without an error: against the contract, yet seen
	}
	return w.out.Write(p)
}

// TestIdentity: whatever the interleaving of observers, limits and failures,
// observed = records + rate + queue, records = written + write + waiting, and
// the summaries tell every suppressed line once.
func TestIdentity(t *testing.T) {
	var drops uint64 // how many seeds saw a reason, summed over the reasons
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			out := &flaky{random: rand.New(rand.NewPCG(seed, 2))}
			l := start(t, Options{Stdout: out, Rate: []int{0, 50, 500}[random.IntN(3)]})
			l.queue.limit = 100_000 // some 300 lines
			observed := watch(l, random)
			out.mended.Store(true)
			// The write that is under way may still fail, as the last one.
			if err := l.Close(t.Context()); err != nil && !errors.Is(err, errFull) && !errors.Is(err, io.ErrShortWrite) {
				t.Fatal(err)
			}
			lines, suppressed := told(t, out.out.Bytes())
			c, waiting := l.snapshot()
			if sum := c.records + c.dropped[reasonRate] + c.dropped[reasonQueue]; sum != observed {
				t.Errorf("seed %d: observed %d, accounted for %d: %+v", seed, observed, sum, c)
			}
			if c.records != lines+c.dropped[reasonWrite] || waiting != 0 {
				t.Errorf("seed %d: %d lines written, %d waiting: %+v", seed, lines, waiting, c)
			}
			drops += min(c.dropped[reasonRate], 1) + min(c.dropped[reasonQueue], 1) + min(c.dropped[reasonWrite], 1)
			if suppressed != c.dropped[reasonRate] {
				t.Errorf("seed %d: %d told suppressed: %+v", seed, suppressed, c)
			}
		})
	}
	if drops < 60 {
		t.Errorf("the seeds are tame: %d", drops)
	}
}

// watch lets several workers observe at once and returns how many refused flows
// they saw.
func watch(l *Log, random *rand.Rand) (observed uint64) {
	var workers sync.WaitGroup
	for range 4 {
		sizes := make([]int, 20)
		for i := range sizes {
			sizes[i] = random.IntN(100)
			observed += uint64(sizes[i])
		}
		pause := time.Duration(random.IntN(300)) * time.Millisecond
		workers.Go(func() {
			for _, n := range sizes {
				l.Observe("kinesis", batch(n))
				time.Sleep(pause)
			}
		})
	}
	workers.Wait()
	return observed
}
