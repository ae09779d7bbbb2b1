package vpc

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Interface is a network interface of the address book.
type Interface struct {
	// ID is the interface id ("eni-…").
	ID string
	// SubnetID and VPCID say where the interface lives; empty where unknown.
	SubnetID, VPCID string
	// Addrs are its private addresses, primary and secondary, of both families.
	Addrs []netip.Addr
}

// Table is an immutable address book of subnets and interfaces. It is safe for
// concurrent use. The zero Table is not usable; NewTable(nil, nil) is empty.
type Table struct {
	subnets    []*flow.Subnet
	byID       map[string]*flow.Subnet
	interfaces map[string]*iface
	// vpcs begin with those of subnets, in the order of their ids; behind them
	// are those that only interfaces have.
	vpcs, accounts, zones numbers
	prefixes              bart.Table[*rung]
}

// iface is an Interface in the terms of its table.
type iface struct {
	subnet *flow.Subnet
	vpc    number
	addrs  []netip.Addr
}

func (i *iface) has(addr netip.Addr) bool { return slices.Contains(i.addrs, addr) }

// subnetIn returns the subnet of an interface of the VPC, nil if the book has
// none for it, has another VPC, or has no such interface: then i is nil.
func (i *iface) subnetIn(vpc number) *flow.Subnet {
	if i == nil || !compatible(i.vpc, vpc) {
		return nil
	}
	return i.subnet
}

// rung holds the subnets of one prefix. The rungs above it are the shorter
// prefixes that cover it, so that one lookup finds all subnets of an address.
type rung struct {
	known   []candidate // in the order of their VPCs
	vpcs    []number    // of known, index by index
	unknown []candidate // subnets whose VPC is not known
	above   *rung
	// vpc is the known VPC of this rung and of all above; mixed says that
	// there are several.
	vpc    number
	mixed  bool
	family uint8
}

// candidate is a subnet with what is compared of it.
type candidate struct {
	subnet             *flow.Subnet
	vpc, account, zone number
}

// of returns the subnets of the rung that are known to lie in the VPC.
func (r *rung) of(vpc number) []candidate {
	if vpc == unsaid {
		return r.known
	}
	from, _ := slices.BinarySearch(r.vpcs, vpc)
	to := from
	for to < len(r.vpcs) && r.vpcs[to] == vpc {
		to++
	}
	return r.known[from:to]
}

// NewTable builds the address book. It copies what it keeps, masks the
// prefixes and leaves out invalid ones. The result does not depend on the order
// of the lists: subnets are sorted by VPC id and CIDR, which gives them their
// slots, and subnets of one [flow.Key] become one that has the prefixes of all.
// Of interfaces that share an id the one of the lowest subnet id stays.
func NewTable(subnets []flow.Subnet, interfaces []Interface) *Table {
	t := &Table{
		subnets: merge(subnets),
		byID:    make(map[string]*flow.Subnet, len(subnets)),
		vpcs:    make(numbers), accounts: make(numbers), zones: make(numbers),
	}
	for slot, s := range t.subnets {
		s.Slot = slot
		t.vpcs.add(s.VPCID)
	}
	t.index(subnets)
	t.ladder()
	t.settle(interfaces)
	return t
}

// Subnets returns the subnets in the order of their slots. The slice belongs to
// the table and must not be changed.
func (t *Table) Subnets() []*flow.Subnet { return t.subnets }

// merge returns copies of the subnets in their final order, one for each key.
func merge(subnets []flow.Subnet) []*flow.Subnet {
	sorted := make([]*flow.Subnet, 0, len(subnets))
	for _, s := range subnets {
		s.Prefixes = masked(s.Prefixes)
		sorted = append(sorted, &s)
	}
	slices.SortFunc(sorted, compareSubnets)
	out := sorted[:0]
	for _, s := range sorted {
		if last := len(out) - 1; last >= 0 && out[last].Key() == s.Key() {
			absorb(out[last], s)
			continue
		}
		out = append(out, s)
	}
	return slices.Clip(out)
}

// absorb adds to a what the subnet b of the same key knows beyond it.
func absorb(a, b *flow.Subnet) {
	a.Prefixes = masked(append(a.Prefixes, b.Prefixes...))
	a.ID = cmp.Or(a.ID, b.ID)
	a.AZID = cmp.Or(a.AZID, b.AZID)
	a.AccountID = cmp.Or(a.AccountID, b.AccountID)
	a.Name = cmp.Or(a.Name, b.Name)
}

func compareSubnets(a, b *flow.Subnet) int {
	return cmp.Or(
		cmp.Compare(a.VPCID, b.VPCID), cmp.Compare(a.CIDR, b.CIDR), cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.AZID, b.AZID), cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Name, b.Name),
	)
}

// masked returns the valid prefixes without host bits, sorted, each once.
func masked(prefixes []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(prefixes))
	for _, p := range prefixes {
		if p.IsValid() {
			out = append(out, p.Masked())
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out)
}

// index makes the subnets known by their ids, also those that were merged away.
func (t *Table) index(given []flow.Subnet) {
	byKey := make(map[flow.Key]*flow.Subnet, len(t.subnets))
	for _, s := range t.subnets {
		byKey[s.Key()] = s
	}
	for i := range given {
		s := byKey[given[i].Key()]
		if old := t.byID[given[i].ID]; given[i].ID != "" && (old == nil || s.Slot < old.Slot) {
			t.byID[given[i].ID] = s
		}
	}
}

// ladder fills the prefix table. Prefixes enter it from short to long, so that
// a lookup finds the rung above each new one.
func (t *Table) ladder() {
	byPrefix := make(map[netip.Prefix]*rung, len(t.subnets))
	for _, s := range t.subnets {
		c := candidate{s, t.vpcs.add(s.VPCID), t.accounts.add(s.AccountID), t.zones.add(s.AZID)}
		for _, p := range s.Prefixes {
			r := byPrefix[p]
			if r == nil {
				r = &rung{family: flow.FamilyOf(p.Addr())}
				byPrefix[p] = r
			}
			r.add(c)
		}
	}
	prefixes := make([]netip.Prefix, 0, len(byPrefix))
	for p := range byPrefix {
		prefixes = append(prefixes, p)
	}
	slices.SortFunc(prefixes, func(a, b netip.Prefix) int { return cmp.Compare(a.Bits(), b.Bits()) })
	for _, p := range prefixes {
		r := byPrefix[p]
		r.above, _ = t.prefixes.Lookup(p.Addr())
		r.sum()
		t.prefixes.Insert(p, r)
	}
}

// add appends a subnet; subnets come in the order of their slots.
func (r *rung) add(c candidate) {
	if c.vpc == unsaid {
		r.unknown = append(r.unknown, c)
		return
	}
	r.known = append(r.known, c)
	r.vpcs = append(r.vpcs, c.vpc)
}

// sum notes what the rungs from this one up have in common.
func (r *rung) sum() {
	if n := len(r.vpcs); n > 0 {
		r.vpc = r.vpcs[n-1]
		r.mixed = r.vpcs[0] != r.vpc
	}
	if up := r.above; up != nil {
		r.mixed = r.mixed || up.mixed || !compatible(r.vpc, up.vpc)
		r.vpc = cmp.Or(r.vpc, up.vpc)
	}
}

// settle makes the interfaces known.
func (t *Table) settle(interfaces []Interface) {
	sorted := slices.Clone(interfaces)
	slices.SortFunc(sorted, func(a, b Interface) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.SubnetID, b.SubnetID), cmp.Compare(a.VPCID, b.VPCID))
	})
	t.interfaces = make(map[string]*iface, len(sorted))
	for _, i := range sorted {
		if i.ID == "" || t.interfaces[i.ID] != nil {
			continue
		}
		addrs := make([]netip.Addr, 0, len(i.Addrs))
		for _, a := range i.Addrs {
			if a.IsValid() {
				addrs = append(addrs, plain(a))
			}
		}
		subnet, vpcID := t.byID[i.SubnetID], i.VPCID
		if subnet != nil {
			vpcID = cmp.Or(subnet.VPCID, vpcID)
		}
		t.interfaces[i.ID] = &iface{subnet: subnet, vpc: t.vpcs.add(vpcID), addrs: addrs}
	}
}
