package vpc

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// DefaultLearnerSize is the number of interfaces that a zero Learner remembers.
const DefaultLearnerSize = 65536

// Learner finds out the own addresses of interfaces that the book does not
// know, from their records. All records of an interface and address family have
// its own primary address at one end, so the ends of all its records are
// intersected; what is left is that address. If nothing is left the interface
// has no single address of that family, and is not trusted again for as long as
// it is remembered.
//
// An end that is the only local one needs no telling here: its record is
// intersected with the others, and leaves that end or a better founded one.
//
// The zero value is ready for use. A Learner is safe for concurrent use: it is
// locked when a worker meets an interface anew, and what is known of one is
// changed without a lock. A nil Learner learns nothing.
//
// That the own end always shows the interface's primary address is said here:
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
type Learner struct {
	// Size is the most interfaces remembered, 0 is DefaultLearnerSize. Half of
	// them is a generation: when the young one is full the old one is
	// forgotten, so that interfaces which still send records stay. It must
	// not change after the first use.
	Size int

	mu         sync.Mutex
	young, old map[string]*memory
	// generation numbers the young one. Who remembered an interface in it
	// need not do so again before it is the old one.
	generation atomic.Uint64
}

// memory is what was learned about one interface.
type memory struct {
	id   string
	ends [2]common // by address family
}

// common are the ends that all records of an interface and family have in
// common; nil before the first record. They become fewer twice at most, so they
// are replaced as a whole.
type common struct{ atomic.Pointer[ends] }

// ends are two addresses, equal when one is left, and none when none is.
type ends struct{ a, b netip.Addr }

// maxInterfaceID bounds the memory of one interface; ids of AWS have 21 bytes.
const maxInterfaceID = 64

// learnable reports whether a record has an interface and two ends of one family.
func learnable(id []byte, src, dst netip.Addr) bool {
	return len(id) > 0 && len(id) <= maxInterfaceID && src.IsValid() && src.BitLen() == dst.BitLen()
}

// find returns the interface's memory, nil if there is none.
func (l *Learner) find(id []byte) *memory {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.young[string(id)]; m != nil {
		return m
	}
	return l.old[string(id)]
}

// remember returns the interface's memory in the young generation, and which
// one that is.
func (l *Learner) remember(id []byte) (*memory, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.young[string(id)]; m != nil {
		return m, l.generation.Load()
	}
	m := l.old[string(id)]
	if m == nil {
		m = &memory{id: string(id)}
	}
	if len(l.young) >= l.most() {
		l.old, l.young = l.young, l.old
		clear(l.young)
		l.generation.Add(1)
	}
	if l.young == nil {
		l.young = make(map[string]*memory)
	}
	l.young[m.id] = m
	return m, l.generation.Load()
}

// most returns the most interfaces of one generation.
func (l *Learner) most() int {
	if l.Size <= 0 {
		return DefaultLearnerSize / 2
	}
	return max(1, l.Size/2)
}

// of returns the ends of the address's family.
func (m *memory) of(addr netip.Addr) *common { return &m.ends[flow.FamilyOf(addr)] }

// meet keeps of the ends those that this record has too, and returns them. It
// also reports whether it was this record that left none.
func (c *common) meet(src, dst netip.Addr) (left *ends, refuted bool) {
	for {
		before := c.Load()
		after := before.meet(src, dst)
		if after == before {
			return after, false
		}
		if c.CompareAndSwap(before, after) {
			return after, *after == ends{}
		}
	}
}

// meet returns what is left of the ends, and itself where that is all.
func (e *ends) meet(src, dst netip.Addr) *ends {
	if e == nil {
		return &ends{src, dst}
	}
	a, b := e.a == src || e.a == dst, e.b == src || e.b == dst
	switch {
	case a && b || *e == ends{}:
		return e
	case a:
		return &ends{e.a, e.a}
	case b:
		return &ends{e.b, e.b}
	}
	return &ends{}
}

// own returns the own address, the zero Addr if it is not known.
func (e *ends) own() netip.Addr {
	if e == nil || e.a != e.b {
		return netip.Addr{}
	}
	return e.a
}
