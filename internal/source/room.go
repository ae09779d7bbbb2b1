package source

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// smallAnswer needs no room: shards that are read to the tip are not kept
	// waiting by those that are behind.
	smallAnswer = 64 << 10
	// maxAnswer is more than any answer takes: 10 MiB of data in base64, and
	// 10,000 times a sequence number and a partition key.
	maxAnswer = 32 << 20
)

// MinBuffered is the least that Kinesis.MaxBuffered can be: one answer of any size.
const MinBuffered = maxAnswer

// room bounds the memory of the answers that all shards hold at once. Who finds
// none waits in line, so that no large answer waits for ever behind smaller
// ones. Safe for concurrent use.
type room struct {
	held   prometheus.Gauge
	waited prometheus.Counter

	// least is what each takes that needs room, its buffer may be smaller.
	least int

	mu   sync.Mutex
	free int
	line []*guest
	idle idleBuffers

	// general is held while the SDK decodes an answer.
	general sync.Mutex
}

// perProcessor is how many answers there is room for to a processor: one that it
// reads, and some on their way. More would only take memory.
const perProcessor = 4

// leastRoom is what an answer takes at least, where so many processors read.
func leastRoom(processors int) int { return MinBuffered / (perProcessor * processors) }

// guest waits for size bytes.
type guest struct {
	size int
	in   chan struct{} // closed when they are taken
}

// enter waits until size bytes are free, and takes them. Its error is that of ctx.
func (r *room) enter(ctx context.Context, size int) error {
	r.mu.Lock()
	g := &guest{size, make(chan struct{})}
	r.line = append(r.line, g)
	r.admit()
	r.mu.Unlock()
	select {
	case <-g.in:
		return nil
	default:
	}
	begin := time.Now()
	defer func() { r.waited.Add(time.Since(begin).Seconds()) }()
	select {
	case <-g.in:
		return nil
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.line, g)
	if i < 0 {
		return nil // let in at the same moment
	}
	r.line = slices.Delete(r.line, i, i+1)
	r.admit()
	return ctx.Err()
}

// leave gives bytes back.
func (r *room) leave(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free += size
	r.held.Sub(float64(size))
	r.admit()
}

// admit lets in who is first in line, as long as there is room; under the lock.
func (r *room) admit() {
	for len(r.line) > 0 && r.line[0].size <= r.free {
		g := r.line[0]
		r.line = slices.Delete(r.line, 0, 1)
		r.free -= g.size
		r.held.Add(float64(g.size))
		close(g.in)
	}
}
