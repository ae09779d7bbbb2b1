package vpc

import (
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// best returns the best candidate of an address for an interface of the VPC,
// nil if there is none, and whether candidates of several known VPCs are left.
// See [Table.Locate] for what a candidate is.
func (t *Table) best(rec *flow.Record, vpc vpcNumber, addr netip.Addr) (s *flow.Subnet, several bool) {
	r, _ := t.prefixes.Lookup(addr)
	c := choice{rec: rec}
	for ; r != nil && !c.final(); r = r.above {
		c.offer(r.of(vpc))
		c.offer(r.unknown)
	}
	return c.best, c.several
}

// local reports whether the address has a candidate. It needs no choice.
func (t *Table) local(rec *flow.Record, vpc vpcNumber, addr netip.Addr) bool {
	r, _ := t.prefixes.Lookup(addr)
	for ; r != nil; r = r.above {
		if anyCompatible(r.of(vpc), rec) || anyCompatible(r.unknown, rec) {
			return true
		}
	}
	return false
}

func anyCompatible(subnets []*flow.Subnet, rec *flow.Record) bool {
	for _, s := range subnets {
		if compatible(s.ID, rec.SubnetID) {
			return true
		}
	}
	return false
}

// choice is the best of the candidates that were offered so far. They come from
// the longest prefix to the shortest, so of equal ones the first stays.
type choice struct {
	rec     *flow.Record
	best    *flow.Subnet
	agrees  uint8
	vpcID   string // the first known VPC among the equals of best
	several bool
}

// Bits of agreement: what the zone says outweighs what the account says.
const (
	sameAccount uint8 = 1 << iota
	sameZone
)

// final reports that no further candidate can change the choice.
func (c *choice) final() bool { return c.several && c.agrees == sameAccount|sameZone }

func (c *choice) offer(subnets []*flow.Subnet) {
	for _, s := range subnets {
		if !compatible(s.ID, c.rec.SubnetID) {
			continue
		}
		switch agrees := agreement(s, c.rec); {
		case c.best == nil || agrees > c.agrees:
			c.best, c.agrees, c.vpcID, c.several = s, agrees, s.VPCID, false
		case agrees == c.agrees:
			c.join(s)
		}
		if c.final() {
			return
		}
	}
}

// join notes a candidate that is as good as the best one but for its prefix.
func (c *choice) join(s *flow.Subnet) {
	if c.vpcID == "" {
		c.vpcID = s.VPCID
	}
	if s.VPCID != "" && s.VPCID != c.vpcID {
		c.several = true
	}
}

func agreement(s *flow.Subnet, rec *flow.Record) (bits uint8) {
	if compatible(s.AccountID, rec.AccountID) {
		bits |= sameAccount
	}
	if compatible(s.AZID, rec.AZID) {
		bits |= sameZone
	}
	return bits
}

// compatible reports that book and record do not contradict each other.
func compatible(book string, record []byte) bool {
	return book == "" || len(record) == 0 || book == string(record)
}
