package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
)

// WindowDeliveries is how many deliveries a Window remembers: those of some
// minutes in a busy estate, of hours in a quiet one. Each costs 16 bytes of the
// state and about 60 of memory.
const WindowDeliveries = 1 << 16

// Window remembers the last deliveries of CloudWatch Logs that counted, the
// oldest leave first, and those in bodies on their way. The zero value is ready.
// It is safe for concurrent use: all workers share one.
//
// A delivery is taken by the first body that brings it. For others it is a
// duplicate from then on, unless that body is discarded. The same events in
// deliveries that are cut otherwise are not recognised.
type Window struct {
	mu sync.Mutex
	// taken are the deliveries that are no longer fresh: of ring, and of
	// bodies on their way.
	taken map[delivery]struct{}
	// ring holds the deliveries that counted; next is where the oldest one
	// stands once it is full.
	ring []delivery
	next int
}

// windowVersion is the form of the window in a snapshot.
const windowVersion = 1

// errWindow says that bytes are not what AppendState wrote.
var errWindow = errors.New("the deliveries in the state are damaged")

// delivery is the first half of a SHA-256 sum: the same in every process.
type delivery [16]byte

// take reports whether the delivery is fresh, and takes it.
func (w *Window) take(d delivery) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.taken[d]; ok {
		return false
	}
	if w.taken == nil {
		w.taken = make(map[delivery]struct{})
	}
	w.taken[d] = struct{}{}
	return true
}

// release gives deliveries back that did not count.
func (w *Window) release(list ...delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range list {
		delete(w.taken, d)
	}
}

// keep remembers deliveries that were taken and have counted.
func (w *Window) keep(list []delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range list {
		if len(w.ring) < WindowDeliveries {
			w.ring = append(w.ring, d)
			continue
		}
		delete(w.taken, w.ring[w.next])
		w.ring[w.next] = d
		w.next = (w.next + 1) % WindowDeliveries
	}
}

// Deliveries are those of the body that one worker has in hand. It implements
// flowlog.Deliveries and is not safe for concurrent use.
type Deliveries struct {
	window *Window
	// body holds the last WindowDeliveries at most: of a stream with more
	// the first would leave the window at once. oldest is where they begin.
	body   []delivery
	oldest int
	buf    []byte
}

// Deliveries returns the deliveries of one worker.
func (w *Window) Deliveries() *Deliveries { return &Deliveries{window: w} }

// Fresh implements flowlog.Deliveries. What is fresh belongs to the body in
// hand, until Apply or Discard.
func (d *Deliveries) Fresh(logStream, first, last []byte, events int) bool {
	b := d.buf[:0]
	for _, text := range [...][]byte{logStream, first, last} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	b = binary.AppendUvarint(b, uint64(events))
	d.buf = b
	sum := sha256.Sum256(b)
	id := delivery(sum[:])
	if !d.window.take(id) {
		return false
	}
	if len(d.body) < WindowDeliveries {
		d.body = append(d.body, id)
		return true
	}
	d.window.release(d.body[d.oldest])
	d.body[d.oldest] = id
	d.oldest = (d.oldest + 1) % WindowDeliveries
	return true
}

// Apply makes the deliveries of the body known, which counts. It is called
// under the ledger.
func (d *Deliveries) Apply() {
	if d == nil {
		return
	}
	d.window.keep(d.body[d.oldest:])
	d.window.keep(d.body[:d.oldest])
	d.forget()
}

// Discard makes the deliveries of the body fresh again.
func (d *Deliveries) Discard() {
	if d == nil {
		return
	}
	d.window.release(d.body...)
	d.forget()
}

func (d *Deliveries) forget() {
	d.body, d.oldest = d.body[:0], 0
	if cap(d.buf) > maxKept {
		d.buf = nil
	}
}

// maxKept is the largest buffer that is kept for the next body.
const maxKept = 64 << 10

// StateName names the window in a snapshot.
func (w *Window) StateName() string { return "deliveries" }

// AppendState appends the deliveries that counted, the oldest first. The caller
// holds the ledger.
func (w *Window) AppendState(b []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	b = binary.AppendUvarint(append(b, windowVersion), uint64(len(w.ring)))
	for i := range w.ring {
		d := w.ring[(w.next+i)%len(w.ring)]
		b = append(b, d[:]...)
	}
	return b
}

// RestoreState takes the deliveries from a snapshot, before the first body. Of
// more than fit, the newest are taken. On an error the window stays as it is.
// A window is a memory and no total: it has no reset.
func (w *Window) RestoreState(b []byte) error {
	d := decoder{rest: b}
	d.version(windowVersion)
	n := d.uvarint()
	const size = len(delivery{})
	if d.damaged || len(d.rest)%size != 0 || uint64(len(d.rest)/size) != n {
		return errWindow
	}
	restored := Window{taken: make(map[delivery]struct{}, n)}
	list := make([]delivery, 0, n)
	for ; len(d.rest) > 0; d.rest = d.rest[size:] {
		if !restored.take(delivery(d.rest)) {
			return errWindow
		}
		list = append(list, delivery(d.rest))
	}
	restored.keep(list)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken, w.ring, w.next = restored.taken, restored.ring, restored.next
	return nil
}
