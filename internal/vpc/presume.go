package vpc

import (
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Most records are of an interface whose own address was learned long ago, and
// lies where the interface lives. Then the end with that address is the own one
// whatever is known of the other: either it is the only one that is local, or
// both are and the learner tells. So these records are placed without looking
// at the other end. Only a later record of the block that lacks the address
// would change that; then they are placed again.

// presumption is what follows for a family from the own address of an
// interface, as long as no more is learned.
type presumption struct {
	ends *ends // what was learned: a is the own address
	// best is the subnet of own, nil if that does not settle the matter.
	best    *flow.Subnet
	several bool
}

// presume places a record if its place follows from what was learned before.
// Such a record teaches nothing.
func (v *vantage) presume(rec *flow.Record, l *Learner) bool {
	family := familyOf(rec.Src)
	known := &v.presumed[family]
	if rec.Direction != flow.DirectionUnknown || known.best == nil ||
		known.ends != v.memory.ends[family].Load() || v.generation != l.generation.Load() {
		return false
	}
	own := &known.ends.a
	from := rec.Src == *own
	if from == (rec.Dst == *own) || rec.Src.BitLen() != rec.Dst.BitLen() {
		return false
	}
	rec.Direction = flow.Ingress
	if from {
		rec.Direction = flow.Egress
	}
	rec.Subnet, rec.Ambiguous = known.best, known.several
	return true
}

// learn takes into account a record that says neither direction nor an
// interface which the book knows.
func (p *Placer) learn(v *vantage, rec *flow.Record, src, dst netip.Addr) {
	if p.Learner == nil || v.iface != nil || !learnable(rec.InterfaceID, src, dst) {
		return
	}
	if v.memory == nil || v.generation != p.Learner.generation.Load() {
		v.memory, v.generation = p.Learner.remember(rec.InterfaceID)
	}
	left, refuted := v.memory.of(src).meet(src, dst)
	p.refuted = p.refuted || refuted
	if known := &v.presumed[familyOf(src)]; known.ends != left {
		*known = p.presumption(v, rec, left)
	}
}

// presumption returns what follows from the ends that the records of an
// interface have in common.
func (p *Placer) presumption(v *vantage, rec *flow.Record, common *ends) presumption {
	known, own := presumption{ends: common}, common.own()
	if !own.IsValid() || v.subnet != nil && !contains(v.subnet, own) {
		return known
	}
	r := p.rungs.of(own)
	if r == nil {
		return known
	}
	switch c := v.choice(rec, r); {
	case c.best == nil:
	case v.byAddress:
		known.best, known.several = c.best, c.several
	default:
		known.best = v.subnet
	}
	return known
}

// reconsider places the records again that were placed by presumptions.
func (p *Placer) reconsider(recs []flow.Record) {
	for _, i := range p.presumed {
		rec := &recs[i]
		rec.Direction = flow.DirectionUnknown
		if !p.direct(p.vantages.of(rec), rec, plain(rec.Src), plain(rec.Dst)) {
			p.undirected = append(p.undirected, i)
		}
	}
}

// recall returns the direction that was learned.
func (p *Placer) recall(v *vantage, rec *flow.Record, src, dst netip.Addr) flow.Direction {
	if p.Learner == nil || !learnable(rec.InterfaceID, src, dst) {
		return flow.DirectionUnknown
	}
	m := v.memory
	if m == nil { // the book knows the interface by now, or the vantage was forgotten
		m = p.Learner.find(rec.InterfaceID)
	}
	if m == nil {
		return flow.DirectionUnknown
	}
	own := m.of(src).Load().own()
	return oneEnd(own == src, own == dst)
}
