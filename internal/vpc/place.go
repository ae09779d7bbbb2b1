package vpc

import (
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Placer places the records of one worker. It remembers what the table says of
// the addresses and interfaces that it met last, until it is given another
// table, which it keeps alive as long. That takes 256 KiB. The zero value is
// ready for use. A Placer is not safe for concurrent use: each worker has its
// own, and all share table and learner.
type Placer struct {
	// Learner finds out addresses that the book does not know; nil learns
	// nothing. It must not change after the first use.
	Learner *Learner

	table    *Table
	rungs    rungs
	vantages vantages
	// undirected are the records of the block in hand that only learning can
	// direct, by their index.
	undirected []int
}

// Locate sets Subnet, Direction and Ambiguous of each record: at which subnet
// and in which direction the interface was that recorded it. It takes the
// records of one block, of any number, and keeps none of them. The learner may
// be nil; it is then left out.
//
// # What is known about the interface
//
//   - Its subnet is the one of the record's subnet-id, if the book knows that id.
//   - Its VPC is the VPC of that subnet; else the record's vpc-id; else the VPC
//     that the book has for the interface.
//
// # Candidates
//
// The candidates of an address are the subnets that contain it and in which the
// interface can live. A subnet of a known VPC is out if the interface's VPC is
// another one. A subnet of a known id is out if the record has another
// subnet-id. A subnet whose VPC or id the book does not know is not out for that.
// Then az-id and after it account-id narrow the choice: the candidates that
// contradict leave, as long as one stays. An account-id never takes the last
// one, as in a shared subnet it is not that of the subnet's owner.
// Of the candidates that are left the longest prefix wins; of equal prefixes a
// subnet of a known VPC, and then the lowest VPC id. An address is local if it
// has a candidate.
//
// # Direction
//
// The first step that tells is taken.
//
//  1. The record's flow-direction.
//  2. The interface's addresses in the book: exactly one end is one of them.
//  3. The interface's subnet, by subnet-id or, without one, by the book: exactly
//     one end lies in it.
//  4. Exactly one end is local.
//  5. The own address that the learner knows of the interface.
//  6. None: egress, and the record is ambiguous.
//
// # Subnet
//
// The own end is the source on egress and the destination on ingress. The first
// step that yields a subnet is taken.
//
//  1. The subnet of the record's subnet-id.
//  2. With a vpc-id: the best candidate of the own end.
//  3. The subnet that the book has for the interface, unless the record has
//     another subnet-id or the interface's VPC is another one.
//  4. The best candidate of the own end. If candidates of more than one known
//     VPC are left, the record is ambiguous.
//
// Otherwise the record is unmatched: Subnet is nil, Ambiguous is false and a
// direction that would have been a guess stays unknown. The subnet of the peer
// is never taken.
//
// The order of evidence follows from what the fields mean:
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
func (p *Placer) Locate(t *Table, recs []flow.Record) {
	if t != p.table {
		p.table = t
		p.rungs.turn(t)
		p.vantages.turn(t)
	}
	p.undirected = p.undirected[:0]
	for i := range recs {
		v := p.vantages.of(&recs[i])
		if !p.place(v, &recs[i]) {
			p.undirected = append(p.undirected, i)
		}
	}
	for _, i := range p.undirected {
		p.learned(p.vantages.of(&recs[i]), &recs[i])
	}
}

// place learns from a record and places it, unless it only can be once the
// whole block was learned; then it returns false.
func (p *Placer) place(v *vantage, rec *flow.Record) bool {
	src, dst := plain(rec.Src), plain(rec.Dst)
	d := rec.Direction
	if d == flow.DirectionUnknown {
		p.learn(v, rec, src, dst)
		d = v.direction(src, dst)
	}
	if d != flow.DirectionUnknown {
		p.settle(v, rec, d, src, dst)
		return true
	}
	from, to := p.rungs.of(src), p.rungs.of(dst)
	switch oneEnd(v.local(rec, from), v.local(rec, to)) {
	case flow.Egress:
		v.settle(rec, flow.Egress, from)
	case flow.Ingress:
		v.settle(rec, flow.Ingress, to)
	default:
		return false
	}
	return true
}

// learn tells the learner about a record that says neither direction nor an
// interface which the book knows.
func (p *Placer) learn(v *vantage, rec *flow.Record, src, dst netip.Addr) {
	if p.Learner == nil || v.iface != nil || !learnable(rec.InterfaceID, src, dst) {
		return
	}
	if v.memory == nil || v.generation != p.Learner.generation.Load() {
		v.memory, v.generation = p.Learner.remember(rec.InterfaceID)
	}
	v.memory.ends[familyOf(src)].meet(src, dst)
}

// learned places a record by what was learned, or by a guess.
func (p *Placer) learned(v *vantage, rec *flow.Record) {
	src, dst := plain(rec.Src), plain(rec.Dst)
	if p.Learner != nil && learnable(rec.InterfaceID, src, dst) {
		m := v.memory
		if m == nil { // the book knows the interface now, or the vantage was given away
			m = p.Learner.find(rec.InterfaceID)
		}
		if own := m.own(src); own.IsValid() {
			if d := oneEnd(own == src, own == dst); d != flow.DirectionUnknown {
				p.settle(v, rec, d, src, dst)
				return
			}
		}
	}
	p.settle(v, rec, flow.Egress, src, dst)
	rec.Ambiguous = rec.Subnet != nil
	if rec.Subnet == nil {
		rec.Direction = flow.DirectionUnknown
	}
}

// settle places a record whose direction is known.
func (p *Placer) settle(v *vantage, rec *flow.Record, d flow.Direction, src, dst netip.Addr) {
	switch {
	case !v.byAddress:
		v.settle(rec, d, nil)
	case d == flow.Ingress:
		v.settle(rec, d, p.rungs.of(dst))
	default:
		v.settle(rec, d, p.rungs.of(src))
	}
}

// oneEnd tells the direction if exactly one end is the interface's.
func oneEnd(src, dst bool) flow.Direction {
	switch {
	case src && !dst:
		return flow.Egress
	case dst && !src:
		return flow.Ingress
	}
	return flow.DirectionUnknown
}

// plain returns the address as the book writes it: IPv4 as IPv4, and no zone.
func plain(addr netip.Addr) netip.Addr {
	if addr.Is4() {
		return addr
	}
	return addr.Unmap().WithZone("")
}
