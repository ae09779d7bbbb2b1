package vpc

import (
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Named returns a subnet of which nothing is known but its range and its name. The
// error says what is wrong with the range, and a remedy.
func Named(cidr, name string) (flow.Subnet, error) {
	prefix, err := parseCIDR(cidr)
	if err != nil {
		return flow.Subnet{}, err
	}
	return flow.Subnet{CIDR: prefix.String(), Name: name, Prefixes: []netip.Prefix{prefix}}, nil
}
