package vpc

import (
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// vantage is an interface as its records name it, with what record and book
// together say about where it lives.
type vantage struct {
	name name
	// iface is the interface, nil if not in the book.
	iface *iface
	// subnet is that of the record's subnet-id or else the one that the book
	// has for the interface; nil if neither is known.
	subnet             *flow.Subnet
	vpc, account, zone number
	// byAddress says that the own end is asked before subnet.
	byAddress bool
	// everywhere says that each subnet of the book can be the interface's.
	everywhere bool

	// memory is what was learned of the interface, nil before the first
	// record that teaches, as of a generation of the learner.
	memory     *memory
	generation uint64
	// chosen are the choices made last, of IPv4 and of IPv6: an interface has
	// one primary address of each, so they hardly ever change.
	chosen   [2]chosen
	presumed [2]presumption // by address family
	stated   [2]stated      // by address family
}

// chosen is the best candidate of the addresses of a rung.
type chosen struct {
	rung    *rung
	best    *flow.Subnet
	several bool
}

// see returns what the table says about the interface of a record.
func (t *Table) see(rec *flow.Record) (v vantage) {
	given := t.byID[string(rec.SubnetID)]
	v.iface = t.interfaces[string(rec.InterfaceID)]
	v.vpc, v.account, v.zone = t.vpcOf(rec, given, v.iface), t.accounts.of(rec.AccountID), t.zones.of(rec.AZID)
	v.subnet = given
	if len(rec.SubnetID) == 0 {
		v.subnet = v.iface.subnetIn(v.vpc)
	}
	v.byAddress = given == nil && (len(rec.VPCID) > 0 || v.subnet == nil)
	v.everywhere = v.vpc == unsaid && len(rec.SubnetID) == 0
	return v
}

// vpcOf returns the VPC of the interface, whose subnet by the record and whose
// entry in the book may be nil.
func (t *Table) vpcOf(rec *flow.Record, subnet *flow.Subnet, i *iface) number {
	switch {
	case subnet != nil && subnet.VPCID != "":
		return t.vpcs[subnet.VPCID]
	case len(rec.VPCID) == 0 && i != nil:
		return i.vpc
	}
	return t.vpcs.of(rec.VPCID)
}

// direction takes the steps that need neither candidates nor learning.
func (v *vantage) direction(src, dst netip.Addr) flow.Direction {
	if v.iface != nil {
		if d := flow.OneEnd(v.iface.has(src), v.iface.has(dst)); d != flow.DirectionUnknown {
			return d
		}
	}
	if v.subnet != nil {
		return flow.OneEnd(contains(v.subnet, src), contains(v.subnet, dst))
	}
	return flow.DirectionUnknown
}

func contains(s *flow.Subnet, addr netip.Addr) bool {
	for _, p := range s.Prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// settle places a record whose direction and whose own end's rung are known.
func (v *vantage) settle(rec *flow.Record, d flow.Direction, own *rung) {
	rec.Direction, rec.Subnet, rec.Ambiguous = d, v.subnet, false
	if !v.byAddress || own == nil {
		return
	}
	if c := v.choice(rec, own); c.best != nil {
		rec.Subnet, rec.Ambiguous = c.best, c.several
	}
}

// name is what a record says about its interface. The zero name is nobody's.
type name struct {
	set  bool
	size uint8 // of all five together
	// Where in text each field ends; the last one ends at size.
	id, account, subnet, vpc uint8
	text                     [82 + maxZoneID]byte // what ids of AWS take
}

const maxZoneID = 15

// keep takes the name of a record, and reports whether it fits.
func (n *name) keep(r *flow.Record) bool {
	if len(r.InterfaceID)+len(r.AccountID)+len(r.SubnetID)+len(r.VPCID)+len(r.AZID) > len(n.text) {
		return false
	}
	n.set = true
	n.id = n.add(r.InterfaceID)
	n.account = n.add(r.AccountID)
	n.subnet = n.add(r.SubnetID)
	n.vpc = n.add(r.VPCID)
	n.add(r.AZID)
	return true
}

// add appends a field and returns where it ends.
func (n *name) add(field []byte) uint8 {
	n.size += uint8(copy(n.text[n.size:], field))
	return n.size
}

// is reports whether the record has the name.
func (n *name) is(r *flow.Record) bool {
	rest := len(r.SubnetID) + len(r.VPCID) + len(r.AZID)
	return n.set && int(n.size-n.account) == rest && string(n.text[:n.id]) == string(r.InterfaceID) &&
		string(n.text[n.id:n.account]) == string(r.AccountID) && (rest == 0 || n.livesWhere(r))
}

// livesWhere compares the fields that the default format lacks.
func (n *name) livesWhere(r *flow.Record) bool {
	return string(n.text[n.account:n.subnet]) == string(r.SubnetID) && string(n.text[n.subnet:n.vpc]) == string(r.VPCID) &&
		string(n.text[n.vpc:n.size]) == string(r.AZID)
}
