package vpc

import (
	"net/netip"
	"sync"

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
// The zero value is ready for use. A Learner is safe for concurrent use; it is
// locked at most twice per block. A nil Learner learns nothing.
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
}

// memory is what was learned about one interface.
type memory struct {
	id     string
	v4, v6 ends
}

// ends are the addresses that all records of an interface have in common.
type ends struct {
	a, b    netip.Addr // equal when one is left
	seen    bool
	refuted bool
}

// learn takes the records of a block into account that say neither direction
// nor an interface which the book knows.
func (l *Learner) learn(t *Table, recs []flow.Record) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var last *memory
	for i := range recs {
		rec := &recs[i]
		if !teaches(t, rec) {
			continue
		}
		if last == nil || last.id != string(rec.InterfaceID) {
			last = l.remember(rec.InterfaceID)
		}
		last.family(rec).meet(plain(rec.Src), plain(rec.Dst))
	}
}

func teaches(t *Table, rec *flow.Record) bool {
	if rec.Direction != flow.DirectionUnknown || !learnable(rec) {
		return false
	}
	_, known := t.interfaces[string(rec.InterfaceID)]
	return !known
}

// maxInterfaceID bounds the memory of one interface; ids of AWS have 21 bytes.
const maxInterfaceID = 64

// learnable reports whether the record has an interface and two ends of one family.
func learnable(rec *flow.Record) bool {
	return len(rec.InterfaceID) > 0 && len(rec.InterfaceID) <= maxInterfaceID && rec.Src.IsValid() && rec.Dst.IsValid() &&
		rec.Src.Unmap().Is4() == rec.Dst.Unmap().Is4()
}

// direct sets the direction of the records that have none where the own
// address of their interface was learned.
func (l *Learner) direct(recs []flow.Record) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range recs {
		rec := &recs[i]
		if rec.Direction != flow.DirectionUnknown || !learnable(rec) {
			continue
		}
		if m := l.find(rec.InterfaceID); m != nil {
			own := m.family(rec).own()
			rec.Direction = oneEnd(own == plain(rec.Src), own == plain(rec.Dst))
		}
	}
}

func (l *Learner) find(id []byte) *memory {
	if m := l.young[string(id)]; m != nil {
		return m
	}
	return l.old[string(id)]
}

// remember returns the interface's memory in the young generation.
func (l *Learner) remember(id []byte) *memory {
	if m := l.young[string(id)]; m != nil {
		return m
	}
	m := l.old[string(id)]
	if m == nil {
		m = &memory{id: string(id)}
	}
	if len(l.young) >= l.generation() {
		l.old, l.young = l.young, l.old
		clear(l.young)
	}
	if l.young == nil {
		l.young = make(map[string]*memory)
	}
	l.young[m.id] = m
	return m
}

// generation returns the most interfaces of one generation.
func (l *Learner) generation() int {
	if l.Size <= 0 {
		return DefaultLearnerSize / 2
	}
	return max(1, l.Size/2)
}

func (m *memory) family(rec *flow.Record) *ends {
	if rec.Src.Unmap().Is4() {
		return &m.v4
	}
	return &m.v6
}

// meet keeps of the ends those that this record has too.
func (e *ends) meet(src, dst netip.Addr) {
	switch {
	case e.refuted:
	case !e.seen:
		*e = ends{a: src, b: dst, seen: true}
	default:
		a, b := e.a == src || e.a == dst, e.b == src || e.b == dst
		switch {
		case a && !b:
			e.b = e.a
		case b && !a:
			e.a = e.b
		case !a && !b:
			*e = ends{refuted: true}
		}
	}
}

// own returns the own address, the zero Addr if it is not known.
func (e *ends) own() netip.Addr {
	if e.refuted || e.a != e.b {
		return netip.Addr{}
	}
	return e.a
}
