package vpc

import (
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

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
func (t *Table) Locate(recs []flow.Record, l *Learner) {
	l.learn(t, recs)
	undirected := 0
	for i := range recs {
		if rec := &recs[i]; rec.Direction == flow.DirectionUnknown {
			rec.Direction = t.direction(rec)
			if rec.Direction == flow.DirectionUnknown {
				undirected++
			}
		}
	}
	if undirected > 0 {
		l.direct(recs)
	}
	for i := range recs {
		t.place(&recs[i])
	}
}

// home is what record and book together say about where the recording
// interface lives.
type home struct {
	// subnet is the subnet of the record's subnet-id, nil if not in the book.
	subnet *flow.Subnet
	// iface is the interface, nil if not in the book.
	iface *iface
	vpc   vpcNumber
}

func (t *Table) home(rec *flow.Record) (h home) {
	if len(rec.SubnetID) > 0 {
		h.subnet = t.byID[string(rec.SubnetID)]
	}
	if len(rec.InterfaceID) > 0 {
		h.iface = t.interfaces[string(rec.InterfaceID)]
	}
	switch {
	case h.subnet != nil && h.subnet.VPCID != "":
		h.vpc = t.vpcs[h.subnet.VPCID]
	case len(rec.VPCID) > 0:
		h.vpc = foreignVPC
		if n, ok := t.vpcs[string(rec.VPCID)]; ok {
			h.vpc = n
		}
	case h.iface != nil:
		h.vpc = h.iface.vpc
	}
	return h
}

// direction takes the steps that need no learning.
func (t *Table) direction(rec *flow.Record) flow.Direction {
	h := t.home(rec)
	src, dst := plain(rec.Src), plain(rec.Dst)
	if h.iface != nil {
		if d := oneEnd(h.iface.has(src), h.iface.has(dst)); d != flow.DirectionUnknown {
			return d
		}
	}
	if s := h.interfaceSubnet(rec); s != nil {
		if d := oneEnd(contains(s, src), contains(s, dst)); d != flow.DirectionUnknown {
			return d
		}
	}
	return oneEnd(t.local(rec, h.vpc, src), t.local(rec, h.vpc, dst))
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

// interfaceSubnet returns the interface's subnet, nil if none is known.
func (h *home) interfaceSubnet(rec *flow.Record) *flow.Subnet {
	if h.subnet != nil {
		return h.subnet
	}
	return h.bookSubnet(rec)
}

// bookSubnet returns the subnet that the book has for the interface, nil where
// the record says that it lives elsewhere.
func (h *home) bookSubnet(rec *flow.Record) *flow.Subnet {
	if h.iface == nil || len(rec.SubnetID) > 0 || h.iface.vpc != h.vpc && h.iface.vpc != anyVPC && h.vpc != anyVPC {
		return nil
	}
	return h.iface.subnet
}

// plain returns the address as the book writes it: IPv4 as IPv4, and no zone.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func contains(s *flow.Subnet, addr netip.Addr) bool {
	for _, p := range s.Prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// place sets Subnet and Ambiguous, and Direction where that has to be guessed.
func (t *Table) place(rec *flow.Record) {
	d, guessed := rec.Direction, false
	if d == flow.DirectionUnknown {
		d, guessed = flow.Egress, true
	}
	s, several := t.subnet(rec, d)
	rec.Subnet, rec.Ambiguous = s, s != nil && (guessed || several)
	if s != nil {
		rec.Direction = d
	}
}

// subnet takes the steps that lead to the subnet. It also says whether the
// candidates belong to several VPCs.
func (t *Table) subnet(rec *flow.Record, d flow.Direction) (s *flow.Subnet, several bool) {
	h := t.home(rec)
	if h.subnet != nil {
		return h.subnet, false
	}
	own := plain(rec.Src)
	if d == flow.Ingress {
		own = plain(rec.Dst)
	}
	if len(rec.VPCID) > 0 {
		if s, several = t.best(rec, h.vpc, own); s != nil {
			return s, several
		}
	}
	if s = h.bookSubnet(rec); s != nil {
		return s, false
	}
	return t.best(rec, h.vpc, own)
}
