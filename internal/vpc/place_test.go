package vpc

import (
	"net/netip"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

func subnet(cidr, id, vpcID string, more ...string) flow.Subnet {
	s := flow.Subnet{CIDR: cidr, ID: id, VPCID: vpcID, Prefixes: []netip.Prefix{netip.MustParsePrefix(cidr)}}
	for _, m := range more {
		s.Prefixes = append(s.Prefixes, netip.MustParsePrefix(m))
	}
	return s
}

func zoned(s flow.Subnet, azID, accountID string) flow.Subnet {
	s.AZID, s.AccountID = azID, accountID
	return s
}

func eni(id, subnetID, vpcID string, addrs ...string) Interface {
	i := Interface{ID: id, SubnetID: subnetID, VPCID: vpcID}
	for _, a := range addrs {
		i.Addrs = append(i.Addrs, netip.MustParseAddr(a))
	}
	return i
}

// record makes a record of two addresses, "-" for none, and changes it.
func record(src, dst string, change ...func(*flow.Record)) flow.Record {
	r := flow.Record{Names: new(flow.Names)}
	r.Src, _ = netip.ParseAddr(src)
	r.Dst, _ = netip.ParseAddr(dst)
	for _, c := range change {
		c(&r)
	}
	return r
}

func inSubnet(id string) func(*flow.Record) {
	return func(r *flow.Record) { r.SubnetID = []byte(id) }
}
func inVPC(id string) func(*flow.Record) { return func(r *flow.Record) { r.VPCID = []byte(id) } }
func atENI(id string) func(*flow.Record) {
	return func(r *flow.Record) { r.InterfaceID = []byte(id) }
}
func ofAccount(id string) func(*flow.Record) {
	return func(r *flow.Record) { r.AccountID = []byte(id) }
}
func inZone(id string) func(*flow.Record)       { return func(r *flow.Record) { r.AZID = []byte(id) } }
func going(d flow.Direction) func(*flow.Record) { return func(r *flow.Record) { r.Direction = d } }
func placed(r *flow.Record) (cidr, vpcID string) {
	if r.Subnet == nil {
		return "", ""
	}
	return r.Subnet.CIDR, r.Subnet.VPCID
}

// testBook has two VPCs of the same ranges, a range of no known VPC, a shared
// subnet and an IPv6-only subnet.
func testBook() *Table {
	return NewTable([]flow.Subnet{
		zoned(subnet("10.0.0.0/24", "subnet-a", "vpc-1", "2001:db8:1:a::/64"), "az1", "111"),
		zoned(subnet("10.0.1.0/24", "subnet-b", "vpc-1"), "az2", "111"),
		zoned(subnet("10.0.0.0/24", "subnet-c", "vpc-2"), "az1", "222"),
		zoned(subnet("10.0.0.128/25", "subnet-d", "vpc-3"), "az3", "333"),
		zoned(subnet("2001:db8:1:6::/64", "subnet-6", "vpc-1"), "az1", "111"),
		zoned(subnet("10.9.0.0/24", "subnet-s", "vpc-9"), "az1", "999"),
		subnet("192.168.0.0/16", "", ""),
		subnet("192.168.7.0/24", "", "vpc-1"),
		subnet("172.16.0.0/24", "subnet-x", "vpc-1"),
		subnet("172.16.0.0/24", "", ""),
	}, []Interface{
		eni("eni-a", "subnet-a", "vpc-1", "10.0.0.5", "10.0.0.6", "2001:db8:1:a::5"),
		eni("eni-c", "subnet-c", "vpc-2", "10.0.0.5"),
		eni("eni-new", "subnet-new", "vpc-2", "10.0.0.77"),
	})
}

// locate places records by a placer that remembers nothing yet.
func locate(t *Table, recs []flow.Record, l *Learner) { (&Placer{Learner: l}).Locate(t, recs) }

func TestPlaceOneRecord(t *testing.T) {
	const (
		none    = flow.DirectionUnknown
		ingress = flow.Ingress
		egress  = flow.Egress
	)
	for _, c := range []struct {
		name      string
		rec       flow.Record
		cidr      string
		vpcID     string
		direction flow.Direction
		ambiguous bool
	}{
		// Direction: each step alone, then against the weaker ones.
		{"flow-direction", record("10.0.1.5", "8.8.8.8", going(egress)), "10.0.1.0/24", "vpc-1", egress, false},
		{"flow-direction before interface", record("10.0.0.5", "10.0.1.9", atENI("eni-a"), inVPC("vpc-1"), going(ingress)), "10.0.1.0/24", "vpc-1", ingress, false},
		{"flow-direction before local end", record("10.0.1.5", "8.8.8.8", going(ingress)), "", "", ingress, false},
		{"flow-direction before subnet-id", record("10.0.1.5", "8.8.8.8", inSubnet("subnet-b"), going(ingress)), "10.0.1.0/24", "vpc-1", ingress, false},
		{"interface at the source", record("10.0.0.5", "10.0.0.9", atENI("eni-a")), "10.0.0.0/24", "vpc-1", egress, false},
		{"interface at the destination", record("10.0.0.9", "10.0.0.5", atENI("eni-a")), "10.0.0.0/24", "vpc-1", ingress, false},
		{"interface, secondary address", record("10.0.0.9", "10.0.0.6", atENI("eni-a")), "10.0.0.0/24", "vpc-1", ingress, false},
		{"interface, IPv6", record("2001:db8:1:a::9", "2001:db8:1:a::5", atENI("eni-a")), "10.0.0.0/24", "vpc-1", ingress, false},
		{"interface at both ends", record("10.0.0.5", "10.0.0.6", atENI("eni-a")), "10.0.0.0/24", "vpc-1", egress, true},
		{"interface before subnet-id", record("10.0.0.5", "10.0.1.9", atENI("eni-a"), inSubnet("subnet-b")), "10.0.1.0/24", "vpc-1", egress, false},
		{"interface's subnet in the book", record("10.0.0.99", "10.0.1.9", atENI("eni-a")), "10.0.0.0/24", "vpc-1", egress, false},
		{"subnet-id at the source", record("10.0.1.5", "10.0.0.9", inSubnet("subnet-b")), "10.0.1.0/24", "vpc-1", egress, false},
		{"subnet-id at the destination", record("10.0.0.9", "10.0.1.5", inSubnet("subnet-b")), "10.0.1.0/24", "vpc-1", ingress, false},
		{"subnet-id at both ends", record("10.0.1.9", "10.0.1.5", inSubnet("subnet-b")), "10.0.1.0/24", "vpc-1", egress, true},
		{"local source", record("10.0.1.5", "8.8.8.8"), "10.0.1.0/24", "vpc-1", egress, false},
		{"local destination", record("8.8.8.8", "10.0.1.5"), "10.0.1.0/24", "vpc-1", ingress, false},
		{"local means in the VPC", record("10.0.1.5", "10.0.0.200", inVPC("vpc-2")), "10.0.0.0/24", "vpc-2", ingress, false},
		{"local means in the interface's VPC", record("10.0.1.5", "10.0.0.200", atENI("eni-new")), "10.0.0.0/24", "vpc-2", ingress, false},
		{"both ends local", record("10.0.1.5", "10.9.0.7"), "10.0.1.0/24", "vpc-1", egress, true},
		{"no end local", record("8.8.4.4", "8.8.8.8"), "", "", none, false},

		// Subnet: each evidence alone, then against the weaker ones.
		{"subnet-id before vpc-id", record("10.0.0.5", "8.8.8.8", inSubnet("subnet-c"), inVPC("vpc-1")), "10.0.0.0/24", "vpc-2", egress, false},
		{"subnet-id before interface", record("10.0.0.5", "8.8.8.8", inSubnet("subnet-c"), atENI("eni-a")), "10.0.0.0/24", "vpc-2", egress, false},
		{"subnet-id before the address", record("10.9.0.7", "8.8.8.8", inSubnet("subnet-b"), going(egress)), "10.0.1.0/24", "vpc-1", egress, false},
		{"subnet-id that the book lacks is not another", record("10.0.1.5", "8.8.8.8", inSubnet("subnet-z"), going(egress)), "", "", egress, false},
		{"subnet-id that the book lacks fits a subnet without id", record("192.168.1.1", "8.8.8.8", inSubnet("subnet-z"), inVPC("vpc-z")), "192.168.0.0/16", "", egress, false},
		{"vpc-id tells equal ranges apart", record("10.0.0.5", "8.8.8.8", inVPC("vpc-2")), "10.0.0.0/24", "vpc-2", egress, false},
		{"vpc-id before a longer prefix elsewhere", record("10.0.0.200", "8.8.8.8", inVPC("vpc-1")), "10.0.0.0/24", "vpc-1", egress, false},
		{"vpc-id before interface", record("10.0.0.5", "8.8.8.8", inVPC("vpc-1"), atENI("eni-c")), "10.0.0.0/24", "vpc-1", egress, false},
		{"interface in another VPC than vpc-id says is no subnet", record("10.9.0.5", "8.8.8.8", inVPC("vpc-3"), atENI("eni-a"), going(egress)), "", "", egress, false},
		{"vpc-id that the book lacks", record("10.0.0.5", "8.8.8.8", inVPC("vpc-z")), "", "", none, false},
		{"vpc-id before account and zone", record("10.0.0.5", "8.8.8.8", inVPC("vpc-1"), ofAccount("222"), inZone("az3")), "10.0.0.0/24", "vpc-1", egress, false},
		{"interface's subnet where no address helps", record("100.64.0.1", "8.8.8.8", inVPC("vpc-1"), atENI("eni-a"), going(egress)), "10.0.0.0/24", "vpc-1", egress, false},
		{"interface's subnet is not another subnet-id", record("100.64.0.1", "8.8.8.8", inSubnet("subnet-z"), atENI("eni-a"), going(egress)), "", "", egress, false},
		{"interface before account", record("10.0.0.5", "8.8.8.8", atENI("eni-c"), ofAccount("111")), "10.0.0.0/24", "vpc-2", egress, false},
		{"interface's VPC where its subnet is unknown", record("10.0.0.77", "8.8.8.8", atENI("eni-new")), "10.0.0.0/24", "vpc-2", egress, false},
		{"account", record("10.0.0.5", "8.8.8.8", ofAccount("222")), "10.0.0.0/24", "vpc-2", egress, false},
		{"account before a longer prefix", record("10.0.0.200", "8.8.8.8", ofAccount("222")), "10.0.0.0/24", "vpc-2", egress, false},
		{"zone and account", record("10.0.0.200", "8.8.8.8", inZone("az1"), ofAccount("111")), "10.0.0.0/24", "vpc-1", egress, false},
		{"zone before account", record("10.0.0.200", "8.8.8.8", inZone("az3"), ofAccount("111")), "10.0.0.128/25", "vpc-3", egress, false},
		{"zone leaves two VPCs", record("10.0.0.200", "8.8.8.8", inZone("az1")), "10.0.0.0/24", "vpc-1", egress, true},
		{"zone that fits none narrows nothing", record("10.0.0.200", "8.8.8.8", inZone("az7")), "10.0.0.128/25", "vpc-3", egress, true},
		{"shared subnet: the account is the participant's", record("10.9.0.5", "8.8.8.8", ofAccount("111")), "10.9.0.0/24", "vpc-9", egress, false},
		{"shared subnet by id", record("10.9.0.5", "8.8.8.8", ofAccount("111"), inSubnet("subnet-s")), "10.9.0.0/24", "vpc-9", egress, false},
		{"several VPCs: lowest id", record("10.0.0.5", "8.8.8.8"), "10.0.0.0/24", "vpc-1", egress, true},
		{"several VPCs: longest prefix", record("10.0.0.200", "8.8.8.8"), "10.0.0.128/25", "vpc-3", egress, true},
		{"unknown VPC fits any", record("192.168.1.1", "8.8.8.8", inVPC("vpc-2")), "192.168.0.0/16", "", egress, false},
		{"unknown VPC is not a second one", record("192.168.7.1", "8.8.8.8"), "192.168.7.0/24", "vpc-1", egress, false},
		{"unknown VPC below another VPC", record("192.168.7.1", "8.8.8.8", inVPC("vpc-2")), "192.168.0.0/16", "", egress, false},
		{"known VPC before unknown", record("172.16.0.1", "8.8.8.8", inVPC("vpc-1")), "172.16.0.0/24", "vpc-1", egress, false},
		{"unknown VPC remains", record("172.16.0.1", "8.8.8.8", inVPC("vpc-2")), "172.16.0.0/24", "", egress, false},
		{"IPv6-only subnet", record("2001:db8:1:6::1", "2600::1"), "2001:db8:1:6::/64", "vpc-1", egress, false},
		{"IPv6 of a subnet of both families", record("2600::1", "2001:db8:1:a::1"), "10.0.0.0/24", "vpc-1", ingress, false},
		{"IPv4 written as IPv6", record("::ffff:10.0.1.5", "8.8.8.8"), "10.0.1.0/24", "vpc-1", egress, false},
		{"an address with a zone", record("2001:db8:1:6::1%eth0", "2600::1"), "2001:db8:1:6::/64", "vpc-1", egress, false},

		// Formats without addresses, and records of nothing known.
		{"subnet-id and direction alone", record("-", "-", inSubnet("subnet-b"), going(ingress)), "10.0.1.0/24", "vpc-1", ingress, false},
		{"interface and direction alone", record("-", "-", atENI("eni-c"), going(ingress)), "10.0.0.0/24", "vpc-2", ingress, false},
		{"subnet-id alone", record("-", "-", inSubnet("subnet-b")), "10.0.1.0/24", "vpc-1", egress, true},
		{"interface alone", record("-", "-", atENI("eni-c")), "10.0.0.0/24", "vpc-2", egress, true},
		{"direction alone", record("-", "-", going(ingress)), "", "", ingress, false},
		{"nothing", record("-", "-"), "", "", none, false},
		{"vpc-id alone", record("-", "-", inVPC("vpc-1"), going(egress)), "", "", egress, false},
		{"the peer's subnet is never taken", record("10.0.1.5", "8.8.8.8", inVPC("vpc-1"), going(ingress)), "", "", ingress, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, l := range []*Learner{nil, {}} {
				recs := []flow.Record{c.rec}
				locate(testBook(), recs, l)
				cidr, vpcID := placed(&recs[0])
				if cidr != c.cidr || vpcID != c.vpcID || recs[0].Direction != c.direction || recs[0].Ambiguous != c.ambiguous {
					t.Errorf("placed in %q of %q, %v, ambiguous %v\nwant %q of %q, %v, ambiguous %v",
						cidr, vpcID, recs[0].Direction, recs[0].Ambiguous, c.cidr, c.vpcID, c.direction, c.ambiguous)
				}
			}
		})
	}
}

// A record that is handed over again after the reader reused it keeps nothing
// of its former place.
func TestPlaceForgetsFormerPlace(t *testing.T) {
	recs := []flow.Record{record("8.8.4.4", "8.8.8.8")}
	recs[0].Subnet, recs[0].Ambiguous = testBook().Subnets()[0], true
	locate(testBook(), recs, nil)
	if recs[0].Subnet != nil || recs[0].Ambiguous {
		t.Errorf("still placed: %+v", recs[0])
	}
}
