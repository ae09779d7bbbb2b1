package source

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"
	"time"
)

// S3Remembered is how many objects are remembered as counted: those of some
// hours in a busy estate, of weeks in a quiet one. Each costs about 60 bytes of
// the state before compression and 250 of memory.
const S3Remembered = 16_384

// Memory is the Places of a source whose partitions come and go.
type Memory interface {
	Places
	// Newest returns the highest position, "" when there is none.
	Newest() string
}

// identity is what an object is remembered by: bucket, key, and the version or
// the etag.
func (o *notified) identity() string {
	mark := "version " + o.version
	if o.version == "" {
		mark = "etag " + o.etag
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", o.bucket, o.key, mark))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// hand knows the objects that are counted, and those that are being read. Safe
// for concurrent use.
type hand struct {
	memory Memory

	mu      sync.Mutex
	reading map[string]chan struct{} // by identity; closed when reading ended
	last    int64                    // the last position, in milliseconds
}

// newHand goes on behind the newest position, even when the clock of the
// machine was set back meanwhile: the lowest positions are forgotten first.
func newHand(memory Memory) *hand {
	h := &hand{memory: memory, reading: make(map[string]chan struct{})}
	if memory != nil {
		_, _ = fmt.Sscan(memory.Newest(), &h.last) // without one it stays 0
	}
	return h
}

// take waits until nobody else reads the object. Then it is either counted, or
// the caller's to read until it calls done. The only error is that of ctx.
func (h *hand) take(ctx context.Context, id string) (counted bool, done func(), err error) {
	for {
		h.mu.Lock()
		other, busy := h.reading[id]
		if !busy {
			defer h.mu.Unlock()
			if h.counted(id) {
				return true, nil, nil
			}
			return false, h.begin(id), nil
		}
		h.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return false, nil, ctx.Err()
		}
	}
}

func (h *hand) counted(id string) (counted bool) {
	if h.memory != nil {
		_, counted = h.memory.Place(id)
	}
	return counted
}

// begin makes the object the caller's. It holds the lock.
func (h *hand) begin(id string) (done func()) {
	ended := make(chan struct{})
	h.reading[id] = ended
	return func() {
		h.mu.Lock()
		delete(h.reading, id)
		h.mu.Unlock()
		close(ended)
	}
}

// position is that of the object which counts next: the time in milliseconds, or
// one more than the last.
func (h *hand) position(now time.Time) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = max(now.UnixMilli(), h.last+1)
	return fmt.Sprintf("%013d", h.last)
}
