package oracle

import (
	"net/netip"
	"slices"
)

// home is what is known about where the recording interface lives.
type home struct {
	stated *Subnet    // by the record's subnet-id
	known  *Interface // by the book
	vpc    string     // "" is unknown
}

func (c *Counter) home(r record) (h home) {
	for i := range c.Subnets {
		if s := &c.Subnets[i]; s.ID != "" && s.ID == r.text["subnet-id"] {
			h.stated = s
		}
	}
	for i := range c.Interfaces {
		if c.Interfaces[i].ID == r.text["interface-id"] {
			h.known = &c.Interfaces[i]
		}
	}
	switch {
	case h.stated != nil && h.stated.VPCID != "":
		h.vpc = h.stated.VPCID
	case r.text["vpc-id"] != "":
		h.vpc = r.text["vpc-id"]
	case h.known != nil:
		h.vpc = h.known.VPCID
	}
	return h
}

// bookSubnet is the subnet that the book has for the interface, unless the
// record says another subnet or VPC.
func (c *Counter) bookSubnet(r record, h home) *Subnet {
	if h.known == nil || r.text["subnet-id"] != "" {
		return nil
	}
	for i := range c.Subnets {
		s := &c.Subnets[i]
		if s.ID != "" && s.ID == h.known.SubnetID && (h.vpc == "" || s.VPCID == "" || s.VPCID == h.vpc) {
			return s
		}
	}
	return nil
}

// candidates are the subnets that contain the address and in which the
// interface can live, best first.
func (c *Counter) candidates(r record, h home, a netip.Addr) []*Subnet {
	var found []*Subnet
	for i := range c.Subnets {
		s := &c.Subnets[i]
		otherVPC := s.VPCID != "" && h.vpc != "" && s.VPCID != h.vpc
		otherID := s.ID != "" && r.text["subnet-id"] != "" && s.ID != r.text["subnet-id"]
		if !otherVPC && !otherID && prefixLength(s, a) >= 0 {
			found = append(found, s)
		}
	}
	found = narrow(found, func(s *Subnet) string { return s.AZID }, r.text["az-id"])
	found = narrow(found, func(s *Subnet) string { return s.AccountID }, r.text["account-id"])
	slices.SortStableFunc(found, func(x, y *Subnet) int {
		if d := prefixLength(y, a) - prefixLength(x, a); d != 0 {
			return d
		}
		switch {
		case (x.VPCID == "") != (y.VPCID == ""):
			if x.VPCID == "" {
				return 1
			}
			return -1
		case x.VPCID < y.VPCID:
			return -1
		case x.VPCID > y.VPCID:
			return 1
		}
		return 0
	})
	return found
}

// narrow leaves out the candidates that contradict, as long as one stays.
func narrow(found []*Subnet, property func(*Subnet) string, stated string) []*Subnet {
	if stated == "" {
		return found
	}
	var left []*Subnet
	for _, s := range found {
		if p := property(s); p == "" || p == stated {
			left = append(left, s)
		}
	}
	if len(left) == 0 {
		return found
	}
	return left
}

// prefixLength is the length of the subnet's prefix that contains the address,
// -1 without one.
func prefixLength(s *Subnet, a netip.Addr) int {
	length := -1
	for _, p := range s.Prefixes {
		if a.IsValid() && p.Contains(a) {
			length = max(length, p.Bits())
		}
	}
	return length
}

// direction returns whether the flow left; sure is false for a guess.
func (c *Counter) direction(r record, h home) (egress, sure bool) {
	switch r.text["flow-direction"] {
	case "egress":
		return true, true
	case "ingress":
		return false, true
	}
	stated := h.stated
	if stated == nil {
		stated = c.bookSubnet(r, h)
	}
	steps := []func(netip.Addr) bool{
		func(a netip.Addr) bool { return h.known != nil && slices.Contains(h.known.Addresses, a) },
		func(a netip.Addr) bool { return stated != nil && prefixLength(stated, a) >= 0 },
		func(a netip.Addr) bool { return len(c.candidates(r, h, a)) > 0 },
	}
	for _, own := range steps {
		if src, dst := own(r.src), own(r.dst); src != dst {
			return src, true
		}
	}
	if k := c.learned[key(r)]; k != nil && len(k.common) == 1 && r.src != r.dst && r.src.Is4() == r.dst.Is4() {
		switch k.common[0] {
		case r.src:
			return true, true
		case r.dst:
			return false, true
		}
	}
	return true, false
}

func key(r record) string {
	family := "4"
	if r.src.Is6() {
		family = "6"
	}
	return r.text["interface-id"] + " " + family
}

// learn keeps of an interface's ends those that all of its records share.
func (c *Counter) learn(r record) {
	if r.text["flow-direction"] != "" || r.text["interface-id"] == "" || c.home(r).known != nil {
		return
	}
	if !r.src.IsValid() || !r.dst.IsValid() || r.src.Is4() != r.dst.Is4() {
		return
	}
	k := c.learned[key(r)]
	if k == nil {
		c.learned[key(r)] = &knowledge{common: slices.Compact([]netip.Addr{r.src, r.dst})}
		return
	}
	k.common = slices.DeleteFunc(k.common, func(a netip.Addr) bool { return a != r.src && a != r.dst })
}

// place counts the record for the interface's subnet in one direction.
func (c *Counter) place(r record) {
	h := c.home(r)
	egress, sure := c.direction(r, h)
	own := r.dst
	if egress {
		own = r.src
	}
	candidates := c.candidates(r, h, own)
	subnet, severalVPCs := h.stated, false
	if subnet == nil && r.text["vpc-id"] != "" && len(candidates) > 0 {
		subnet = candidates[0]
	}
	if subnet == nil {
		subnet = c.bookSubnet(r, h)
	}
	if subnet == nil && len(candidates) > 0 {
		subnet = candidates[0]
		vpcs := map[string]bool{}
		for _, s := range candidates {
			if s.VPCID != "" {
				vpcs[s.VPCID] = true
			}
		}
		severalVPCs = len(vpcs) > 1
	}
	if subnet == nil {
		c.Unmatched++
		return
	}
	c.Counted++
	if !sure || severalVPCs {
		c.Ambiguous++
	}
	row := Row{VPCID: subnet.VPCID, CIDR: subnet.CIDR, Egress: egress, Denied: r.text["action"] == "REJECT"}
	sum := c.Rows[row]
	sum.Bytes += r.bytes
	sum.Packets += r.packets
	sum.Flows++
	c.Rows[row] = sum
}
