package vpc

import (
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Placer places the records of one worker. It remembers what the table says of
// the addresses and interfaces that it met last, until it is given another
// table, which it keeps alive as long. That takes 600 KiB at most. The zero value is
// ready for use. A Placer is not safe for concurrent use: each worker has its
// own, and all share table and learner.
type Placer struct {
	// Learner finds out addresses that the book does not know; nil learns
	// nothing. It must not change after the first use.
	Learner *Learner

	table    *Table
	rungs    rungs
	vantages vantages

	// Of the block in hand, by index: the records that were placed by what had
	// been learned before, and those that wait for what the block teaches.
	presumed   spans
	undirected []int
	refuted    bool // something that was learned before turned out to be wrong
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
	p.presumed, p.undirected, p.refuted = p.presumed[:0], p.undirected[:0], false
	var v *vantage
	for i := 0; i < len(recs); {
		if i == 0 || !namedAlike(&recs[i], &recs[i-1]) {
			v = p.vantages.of(&recs[i])
		}
		n := v.restate(recs[i:])
		if n == 0 {
			n = v.presume(recs[i:], p.Learner)
			p.presumed.add(i, n)
		}
		if i += n; n == 0 {
			if !p.place(v, &recs[i]) {
				p.undirected = append(p.undirected, i)
			}
			i++
		}
	}
	if p.refuted {
		p.reconsider(recs)
	}
	for _, i := range p.undirected {
		p.learned(&recs[i])
	}
}

// place learns from a record and places it, unless it only can be once the
// whole block was learned; then it returns false.
func (p *Placer) place(v *vantage, rec *flow.Record) bool {
	src, dst := plain(rec.Src), plain(rec.Dst)
	if rec.Direction != flow.DirectionUnknown {
		p.settle(v, rec, rec.Direction, src, dst)
		v.note(rec)
		return true
	}
	p.learn(v, rec, src, dst)
	return p.direct(v, rec, src, dst)
}

// direct places a record by the steps that need no learning, and reports
// whether they tell.
func (p *Placer) direct(v *vantage, rec *flow.Record, src, dst netip.Addr) bool {
	if d := v.direction(src, dst); d != flow.DirectionUnknown {
		p.settle(v, rec, d, src, dst)
		return true
	}
	from, to := p.rungs.of(src), p.rungs.of(dst)
	switch flow.OneEnd(v.local(rec, from), v.local(rec, to)) {
	case flow.Egress:
		v.settle(rec, flow.Egress, from)
	case flow.Ingress:
		v.settle(rec, flow.Ingress, to)
	default:
		return false
	}
	return true
}

// learned places a record by what was learned, or by a guess.
func (p *Placer) learned(rec *flow.Record) {
	v := p.vantages.of(rec)
	src, dst := plain(rec.Src), plain(rec.Dst)
	if d := p.recall(v, rec, src, dst); d != flow.DirectionUnknown {
		p.settle(v, rec, d, src, dst)
		return
	}
	p.settle(v, rec, flow.Egress, src, dst)
	if rec.Subnet == nil {
		rec.Direction = flow.DirectionUnknown
		return
	}
	rec.Ambiguous = true
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

// plain returns the address as the book writes it: IPv4 as IPv4, and no zone.
func plain(addr netip.Addr) netip.Addr {
	if addr.Is4() {
		return addr
	}
	return addr.Unmap().WithZone("")
}
