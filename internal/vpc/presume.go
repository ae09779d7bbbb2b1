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

// spans are indices of records, of which many follow each other.
type spans []span

type span struct{ from, to int }

// add adds n indices from i on.
func (s *spans) add(i, n int) {
	if last := len(*s) - 1; last >= 0 && (*s)[last].to == i {
		(*s)[last].to += n
	} else if n > 0 {
		*s = append(*s, span{i, i + n})
	}
}

// presume places records of one interface whose place follows from what was
// learned before, and returns how many: up to one that it does not place, or that
// may be of another interface. Such records teach nothing.
func (v *vantage) presume(recs []flow.Record, l *Learner) (n int) {
	known := [2]*presumption{v.presumption(0, l), v.presumption(1, l)}
	var names *flow.Names
	var usual [2]*presumption // those known whose own address is the usual one of the names
	for ; n < len(recs); n++ {
		if n += hinted(recs[n:], names, usual[0], usual[1]); n == len(recs) {
			break
		}
		rec := &recs[n]
		if rec.Direction != flow.DirectionUnknown {
			break
		}
		if rec.Names != names {
			if n > 0 && !namedAlike(rec, &recs[n-1]) {
				break
			}
			names, usual = rec.Names, agreed(known, rec.Names)
		}
		k := known[flow.FamilyOf(rec.Src)]
		if k == nil {
			break
		}
		from, to := rec.Src == k.ends.a, rec.Dst == k.ends.a
		if from == to || !(rec.Src.Is4() && rec.Dst.Is4()) && !oneFamily(rec.Src, rec.Dst) {
			break
		}
		rec.Direction, rec.Subnet, rec.Ambiguous = flow.OneEnd(from, to), k.best, k.several
	}
	return n
}

// hinted places records that have these names and say at which end the usual
// address of their family stands, as far as that is the own one by what is
// presumed, and returns how many. It is a loop without calls, which inlining would
// tear apart.
//
//go:noinline
func hinted(recs []flow.Record, names *flow.Names, usual4, usual6 *presumption) (n int) {
	for n = range recs {
		rec, k := &recs[n], usual6
		if rec.Src.Is4() {
			k = usual4
		}
		if rec.Names != names || rec.UsualEnd == flow.DirectionUnknown || rec.Direction != flow.DirectionUnknown || k == nil {
			return n
		}
		rec.Direction, rec.Subnet, rec.Ambiguous = rec.UsualEnd, k.best, k.several
	}
	return len(recs)
}

// agreed returns what is known of the families whose own address is the one that
// the reader found to be usual.
func agreed(known [2]*presumption, names *flow.Names) (usual [2]*presumption) {
	for family, k := range known {
		if k != nil && k.ends.a == names.Usual[family] {
			usual[family] = k
		}
	}
	return usual
}

// oneFamily reports whether two addresses are of one family, where one of them is
// written as the book writes it: the other may be IPv4 within IPv6.
func oneFamily(a, b netip.Addr) bool {
	return a.BitLen() == b.BitLen() && a.Is4In6() == b.Is4In6()
}

// presumption returns what follows for a family, nil if that does not settle the
// matter or does no longer hold.
func (v *vantage) presumption(family uint8, l *Learner) *presumption {
	known := &v.presumed[family]
	if known.best == nil || known.ends != v.memory.ends[family].Load() || v.generation != l.generation.Load() {
		return nil
	}
	return known
}

// namedAlike reports whether two records name their interface by the same bytes,
// as the lines of an envelope do. It compares where these are and not what.
func namedAlike(a, b *flow.Record) bool {
	return a.Names == b.Names || sameNames(a.Names, b.Names)
}

func sameNames(a, b *flow.Names) bool {
	return sameBytes(a.InterfaceID, b.InterfaceID) && sameBytes(a.AccountID, b.AccountID) &&
		sameBytes(a.SubnetID, b.SubnetID) && sameBytes(a.VPCID, b.VPCID) && sameBytes(a.AZID, b.AZID)
}

// sameBytes reports whether two texts are at the same place.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
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
	if known := &v.presumed[flow.FamilyOf(src)]; known.ends != left {
		*known = p.presumable(v, rec, left)
	}
}

// presumable returns what follows from the ends that the records of an interface
// have in common.
func (p *Placer) presumable(v *vantage, rec *flow.Record, common *ends) presumption {
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
	for _, s := range p.presumed {
		for i := s.from; i < s.to; i++ {
			rec := &recs[i]
			rec.Direction = flow.DirectionUnknown
			if !p.direct(p.vantages.of(rec), rec, plain(rec.Src), plain(rec.Dst)) {
				p.undirected = append(p.undirected, i)
			}
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
	return flow.OneEnd(own == src, own == dst)
}
