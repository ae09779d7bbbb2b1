package way

import (
	"net/netip"
	"testing"
)

// TestSplitKeepsEveryAddress: what was in a subnet still is, in exactly as many
// ranges as were asked for, none of them twice.
func TestSplitKeepsEveryAddress(t *testing.T) {
	ranges := []netip.Prefix{
		netip.MustParsePrefix("10.0.1.0/24"), netip.MustParsePrefix("10.0.0.0/20"), netip.MustParsePrefix("10.9.0.0/30"),
		netip.MustParsePrefix("2a05:d018::/64"),
	}
	addresses := []string{"10.0.1.77", "10.0.0.1", "10.0.15.255", "10.9.0.3", "2a05:d018::ffff:1"}
	for _, n := range []int{0, 4, 5, 64, 3000} {
		list := Split(ranges, n)
		if want := max(n, len(ranges)); len(list) != want {
			t.Errorf("%d ranges, want %d", len(list), want)
		}
		seen := map[netip.Prefix]bool{}
		for _, p := range list {
			if seen[p] || p != p.Masked() {
				t.Errorf("%v is there twice, or no range", p)
			}
			seen[p] = true
		}
		for _, text := range addresses {
			addr, in := netip.MustParseAddr(text), false
			for p := range seen {
				in = in || p.Contains(addr)
			}
			if !in {
				t.Errorf("%s is lost in %d ranges", text, n)
			}
		}
	}
}
