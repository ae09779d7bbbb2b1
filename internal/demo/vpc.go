package demo

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Account and Region are where the synthetic VPC lives.
const (
	Account = "123456789012"
	Region  = "eu-west-1"
)

// VPC is a synthetic VPC: public, application and database subnets in two
// availability zones, 40 interfaces, and the traffic between them and the
// internet. The seed decides everything but the clock. Its methods are safe
// for concurrent use; records are written by one Next at a time.
type VPC struct {
	id      string
	subnets []flow.Subnet

	balancers    []*iface
	gateways     []*iface // the NAT gateways, by availability zone
	applications []*iface
	databases    []*iface
	idle         []*iface

	seed     uint64
	day      time.Duration // how long a day lasts
	episodes []episode

	mu       sync.Mutex // guards what follows
	rng      *rand.Rand
	began    time.Time // time of the first Next
	now      time.Time // time of the Next in hand
	busy     float64   // height of the day curve, 1 is the mean
	scanned  int       // ports that port scans tried
	written  int       // records of the Next in hand
	sequence uint64    // log events written, for their ids
	open     []*iface  // interfaces with events that no envelope holds yet
	packer   packer
	truth    truth
}

// iface is a network interface.
type iface struct {
	id     string
	subnet int       // index into VPC.subnets
	zone   int       // index of the availability zone
	addr   [2]string // IPv4 and IPv6
	events []event   // not in an envelope yet
}

// tiers are the kinds of subnets; net is where their third IPv4 byte begins.
var tiers = [...]struct {
	name       string
	net, hosts int
}{
	{"public", 0, 5},
	{"application", 16, 10},
	{"database", 32, 5},
}

// zones are the availability zones: the letter of the name and the id.
var zones = [...]struct{ letter, id string }{{"a", "euw1-az1"}, {"b", "euw1-az2"}}

// NewVPC builds the VPC of a seed. Equal seeds give equal VPCs with equal traffic.
func NewVPC(seed uint64) *VPC {
	v := &VPC{seed: seed, day: demoDay, rng: rand.New(rand.NewPCG(seed, 0))}
	v.id = v.newID("vpc-")
	for _, tier := range tiers {
		for zone := range zones {
			v.addSubnet(tier.name, tier.net+zone, zone)
			for host := range tier.hosts {
				v.addInterface(tier.name, zone, host, host == tier.hosts-1)
			}
		}
	}
	v.episodes = v.schedule()
	return v
}

func (v *VPC) newID(prefix string) string {
	return fmt.Sprintf("%s0%016x", prefix, v.rng.Uint64())
}

func (v *VPC) addSubnet(tier string, net, zone int) {
	v4 := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 20, byte(net)}), 24)
	v6 := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x1a, byte(net)}), 64)
	v.subnets = append(v.subnets, flow.Subnet{
		CIDR:      v4.String(),
		Prefixes:  []netip.Prefix{v4, v6},
		ID:        v.newID("subnet-"),
		VPCID:     v.id,
		AZID:      zones[zone].id,
		AccountID: Account,
		Name:      "demo-" + tier + "-" + zones[zone].letter,
		Slot:      len(v.subnets),
	})
}

// addInterface adds an interface to the newest subnet.
func (v *VPC) addInterface(tier string, zone, host int, idle bool) {
	slot := len(v.subnets) - 1
	v4, v6 := v.subnets[slot].Prefixes[0].Addr().As4(), v.subnets[slot].Prefixes[1].Addr().As16()
	v4[3] = byte(10 + 20*host + v.rng.IntN(20))
	for i := 8; i < len(v6); i++ {
		v6[i] = byte(v.rng.Uint32())
	}
	f := &iface{id: v.newID("eni-"), subnet: slot, zone: zone}
	f.addr = [2]string{netip.AddrFrom4(v4).String(), netip.AddrFrom16(v6).String()}
	role := &v.databases
	switch {
	case idle:
		role = &v.idle
	case tier == "public" && host == 0:
		role = &v.gateways
	case tier == "public":
		role = &v.balancers
	case tier == "application":
		role = &v.applications
	}
	*role = append(*role, f)
}

// Subnets returns the address book of the VPC, ordered by slot. The caller
// owns the slice; the subnets' prefixes are shared and must not be changed.
func (v *VPC) Subnets() []flow.Subnet { return slices.Clone(v.subnets) }
