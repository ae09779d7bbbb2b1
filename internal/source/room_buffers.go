package source

import (
	"math/bits"
	"slices"
	"time"
)

// buffer is memory for one answer.
type buffer struct {
	bytes   []byte
	records []record
}

// leastLarge is the size of the smallest buffer that takes room. Most answers of
// shards that are behind fit, so that they use each other's buffers. What is not
// written to of such a buffer takes no memory.
const leastLarge = 2 << 20

// bufferSize is the size of a buffer for n bytes: smallAnswer, or a power of two
// from leastLarge to maxAnswer.
func bufferSize(n int) int {
	if n <= smallAnswer {
		return smallAnswer
	}
	return 1 << bits.Len(uint(min(max(n, leastLarge), maxAnswer)-1))
}

// borrow returns a buffer for n bytes. Who borrows has entered with them.
func (r *room) borrow(n int) *buffer {
	size := bufferSize(n)
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.idle.take(size); b != nil {
		return b
	}
	r.idle.shrink(r.free)
	return &buffer{bytes: make([]byte, size)}
}

// restore takes a buffer back, which is not used from then on.
func (r *room) restore(b *buffer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle.put(b, time.Now())
}

const (
	// idleTime is how long a buffer is kept that nobody needs.
	idleTime = time.Minute
	// smallIdle is how many of the smallest buffers are kept: they need no room.
	smallIdle = 32
)

// idleBuffers are kept for answers to come, so that reading makes no garbage,
// which would take as much memory again until it is collected. They are in the
// order in which they were put, and few. The lock of the room guards them.
type idleBuffers struct {
	list []idleBuffer
	// held is what the large ones take, small how many small ones there are.
	held, small int
}

type idleBuffer struct {
	*buffer
	since time.Time
}

// take returns the buffer of a size that was used last; nil when there is none.
func (i *idleBuffers) take(size int) *buffer {
	for at, b := range slices.Backward(i.list) {
		if len(b.bytes) == size {
			i.remove(at)
			return b.buffer
		}
	}
	return nil
}

// put keeps a buffer, and lets go what was not used for long.
func (i *idleBuffers) put(b *buffer, now time.Time) {
	for len(i.list) > 0 && now.Sub(i.list[0].since) > idleTime {
		i.remove(0)
	}
	if len(b.bytes) == smallAnswer {
		if i.small == smallIdle {
			return
		}
		i.small++
	} else {
		i.held += len(b.bytes)
	}
	i.list = append(i.list, idleBuffer{b, now})
}

// shrink lets go what is more than the bytes that nobody has entered with:
// answers and idle buffers together are within the room.
func (i *idleBuffers) shrink(free int) {
	for at := 0; i.held > free; {
		if len(i.list[at].bytes) == smallAnswer {
			at++
			continue
		}
		i.remove(at)
	}
}

func (i *idleBuffers) remove(at int) {
	if n := len(i.list[at].bytes); n == smallAnswer {
		i.small--
	} else {
		i.held -= n
	}
	i.list = slices.Delete(i.list, at, at+1)
}
