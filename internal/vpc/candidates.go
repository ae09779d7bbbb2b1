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
	c := choice{v: v, subnetID: rec.SubnetID, lone: v.vpc != unsaid || !own.mixed}
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
		if anyFits(r.of(v.vpc), rec.SubnetID) || anyFits(r.unknown, rec.SubnetID) {
			return true
		}
	}
	return false
}

func anyFits(list []candidate, subnetID []byte) bool {
	for i := range list {
		if list[i].fits(subnetID) {
			return true
		}
	}
	return false
}

// fits reports whether the candidate is the subnet of the id, as far as is
// known.
func (c *candidate) fits(subnetID []byte) bool {
	return len(subnetID) == 0 || c.subnet.ID == "" || c.subnet.ID == string(subnetID)
}

// choice is the best of the candidates that were offered so far. They come from
// the longest prefix to the shortest, so of equal ones the first stays.
type choice struct {
	v        *vantage
	subnetID []byte
	best     *flow.Subnet
	agrees   uint8
	vpc      number // the first known VPC among the equals of best
	several  bool
	lone     bool // all candidates are of one known VPC at most
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

func (c *choice) offer(list []candidate) {
	for i := range list {
		s := &list[i]
		if !s.fits(c.subnetID) {
			continue
		}
		switch agrees := c.v.agreement(s); {
		case c.best == nil || agrees > c.agrees:
			c.best, c.agrees, c.vpc, c.several = s.subnet, agrees, s.vpc, false
		case agrees == c.agrees:
			c.join(s.vpc)
		}
		if c.final() {
			return
		}
	}
}

// join notes the VPC of a candidate that is as good as the best one but for its
// prefix.
func (c *choice) join(vpc number) {
	c.several = c.several || !compatible(c.vpc, vpc)
	if c.vpc == unsaid {
		c.vpc = vpc
	}
}

func (v *vantage) agreement(c *candidate) (bits uint8) {
	if compatible(c.account, v.account) {
		bits |= sameAccount
	}
	if compatible(c.zone, v.zone) {
		bits |= sameZone
	}
	return bits
}
