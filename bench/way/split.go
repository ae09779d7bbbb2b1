package way

import (
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Split cuts ranges in halves, in turn, until there are n of them: the same
// traffic, spread over more subnets. What has more already stays as it is, and
// single addresses do.
func Split(ranges []netip.Prefix, n int) []netip.Prefix {
	queue := append([]netip.Prefix(nil), ranges...)
	seen := make(map[netip.Prefix]bool, n)
	for _, p := range queue {
		seen[p] = true
	}
	var whole []netip.Prefix
	for len(queue) > 0 && len(queue)+len(whole) < n {
		p := queue[0]
		queue = queue[1:]
		low, high, ok := halves(p)
		if !ok || seen[low] || seen[high] { // one address, or a subnet nested here
			whole = append(whole, p)
			continue
		}
		seen[low], seen[high] = true, true
		queue = append(queue, low, high)
	}
	return append(queue, whole...)
}

func halves(p netip.Prefix) (low, high netip.Prefix, ok bool) {
	if p.IsSingleIP() {
		return low, high, false
	}
	bytes := p.Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	addr, _ := netip.AddrFromSlice(bytes) // of the length it came with
	return netip.PrefixFrom(p.Addr(), p.Bits()+1), netip.PrefixFrom(addr, p.Bits()+1), true
}

// Book returns subnets of these ranges.
func Book(ranges []netip.Prefix) (list []flow.Subnet) {
	for _, p := range ranges {
		list = append(list, flow.Subnet{CIDR: p.String(), Prefixes: []netip.Prefix{p}})
	}
	return list
}
