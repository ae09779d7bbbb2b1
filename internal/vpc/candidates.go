package vpc

import "github.com/flowlog-exporter/flowlog-exporter/internal/flow"

// choice returns the best candidate of the addresses of a rung, and whether
// candidates of several known VPCs are left. It stays the same as long as the
// name does. See [Placer.Locate] for what a candidate is.
func (v *vantage) choice(rec *flow.Record, own *rung) *chosen {
	c := &v.chosen[own.family]
	if c.rung != own {
		*c = v.choose(rec, own)
	}
	return c
}

func (v *vantage) choose(rec *flow.Record, own *rung) chosen {
	c := choice{rec: rec, lone: v.vpc != anyVPC || !own.mixed}
	for r := own; r != nil && !c.final(); r = r.above {
		c.offer(r.of(v.vpc))
		c.offer(r.unknown)
	}
	return chosen{own, c.best, c.several}
}

// local reports whether the addresses of a rung have a candidate. It needs no
// choice.
func (v *vantage) local(rec *flow.Record, r *rung) bool {
	switch {
	case r == nil:
		return false
	case v.everywhere:
		return true
	case v.chosen[r.family].rung == r:
		return v.chosen[r.family].best != nil
	}
	for ; r != nil; r = r.above {
		if anyCompatible(r.of(v.vpc), rec) || anyCompatible(r.unknown, rec) {
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
	lone    bool // all candidates are of one known VPC at most
}

// Bits of agreement: what the zone says outweighs what the account says.
const (
	sameAccount uint8 = 1 << iota
	sameZone
)

// final reports that no further candidate can change the choice.
func (c *choice) final() bool {
	return c.agrees == sameAccount|sameZone && (c.several || c.lone)
}

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
