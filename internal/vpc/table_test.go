package vpc

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

func TestNewTableSortsAndMerges(t *testing.T) {
	given := []flow.Subnet{
		subnet("10.0.1.0/24", "subnet-2", "vpc-2"),
		{CIDR: "10.0.0.0/24", VPCID: "vpc-1", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/24"), {}}},
		subnet("10.0.0.0/24", "subnet-9", "vpc-1", "2001:db8::/64"),
		{CIDR: "10.0.0.0/24", VPCID: "vpc-1", ID: "subnet-1", AZID: "az1", Name: "web"},
		subnet("10.0.0.0/24", "", ""),
		subnet("10.0.0.0/24", "subnet-2", "vpc-2"),
	}
	want := []flow.Subnet{
		{CIDR: "10.0.0.0/24", Slot: 0},
		{CIDR: "10.0.0.0/24", VPCID: "vpc-1", ID: "subnet-1", AZID: "az1", Name: "web", Slot: 1},
		{CIDR: "10.0.0.0/24", VPCID: "vpc-2", ID: "subnet-2", Slot: 2},
		{CIDR: "10.0.1.0/24", VPCID: "vpc-2", ID: "subnet-2", Slot: 3},
	}
	for range 20 {
		rand.Shuffle(len(given), func(i, j int) { given[i], given[j] = given[j], given[i] })
		table := NewTable(given, nil)
		for i, s := range table.Subnets() {
			got := *s
			got.Prefixes = nil
			if i >= len(want) || !reflect.DeepEqual(got, want[i]) {
				t.Fatalf("subnet %d is %+v", i, got)
			}
		}
		if len(table.Subnets()) != len(want) {
			t.Fatalf("%d subnets, want %d", len(table.Subnets()), len(want))
		}
		if got := fmt.Sprint(table.Subnets()[1].Prefixes); got != "[10.0.0.0/24 2001:db8::/64]" {
			t.Fatalf("merged prefixes are %s", got)
		}
		for id, slot := range map[string]int{"subnet-1": 1, "subnet-9": 1, "subnet-2": 2} {
			if table.byID[id] != table.Subnets()[slot] {
				t.Fatalf("%s is %+v", id, table.byID[id])
			}
		}
	}
}

func TestNewTableLeavesItsInputAlone(t *testing.T) {
	given := []flow.Subnet{{CIDR: "10.0.0.0/24", Slot: 7, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/24")}}}
	NewTable(given, nil)
	if given[0].Slot != 7 || given[0].Prefixes[0].String() != "10.0.0.7/24" {
		t.Errorf("the caller's subnet became %+v", given[0])
	}
}

// FuzzBest compares the prefix table with a slice of prefixes.
func FuzzBest(f *testing.F) {
	f.Add([]byte{8, 10, 0, 0, 0, 24, 10, 0, 0, 0, 28, 10, 0, 0, 16, 0, 0, 0, 0, 0}, uint32(0x0a000011), false)
	f.Add([]byte{32, 0x20, 1, 0xd, 0xb8, 127, 0x20, 1, 0xd, 0xb8, 5, 0x20, 1, 0xd, 0xb8}, uint32(0x20010db8), true)
	f.Add([]byte{}, uint32(1), false)
	f.Fuzz(func(t *testing.T, spec []byte, at uint32, six bool) {
		addr := fuzzAddr(at, six)
		var subnets []flow.Subnet
		for ; len(spec) >= 5 && len(subnets) < 200; spec = spec[5:] {
			base := fuzzAddr(binary.BigEndian.Uint32(spec[1:]), six)
			p, err := base.Prefix(int(spec[0]) % (base.BitLen() + 1))
			if err != nil {
				t.Fatal(err)
			}
			subnets = append(subnets, flow.Subnet{CIDR: p.String(), Prefixes: []netip.Prefix{p}})
		}
		want := ""
		bits := -1
		for _, s := range subnets {
			if p := s.Prefixes[0]; p.Contains(addr) && p.Bits() > bits {
				want, bits = s.CIDR, p.Bits()
			}
		}
		recs := []flow.Record{{Src: addr, Direction: flow.Egress, Names: new(flow.Names)}}
		locate(NewTable(subnets, nil), recs, nil)
		got, _ := placed(&recs[0])
		if got != want {
			t.Errorf("%v lies in %q, want %q", addr, got, want)
		}
	})
}

func fuzzAddr(n uint32, six bool) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint32(b[:], n)
	if six {
		b[15] = byte(n)
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom4([4]byte(b[:4]))
}

// manySubnets makes n subnets of /24 in VPCs of 250, all of the same ranges.
func manySubnets(n int) (subnets []flow.Subnet, interfaces []Interface) {
	for i := range n {
		vpcID, k := fmt.Sprintf("vpc-%05d", i/250), i%250
		s := subnet(fmt.Sprintf("10.%d.0.0/24", k), fmt.Sprintf("subnet-%d", i), vpcID, fmt.Sprintf("2001:db8:%x:%x::/64", i/250, k))
		subnets = append(subnets, zoned(s, fmt.Sprintf("az%d", i%3), fmt.Sprint(i/250)))
		interfaces = append(interfaces, eni(fmt.Sprintf("eni-known-%d", i), s.ID, vpcID, fmt.Sprintf("10.%d.0.5", k)))
	}
	return subnets, interfaces
}

// block makes the records of one kind; half of them stay within the VPC.
func block(n int, change ...func(*flow.Record)) []flow.Record {
	recs := make([]flow.Record, n)
	for i := range recs {
		own, peer := fmt.Sprintf("10.%d.0.5", i%250), fmt.Sprintf("10.%d.0.9", i*7%250)
		if i%2 == 0 {
			peer = "198.51.100.7"
		}
		recs[i] = record(own, peer, change...)
		if len(recs[i].InterfaceID) > 0 {
			recs[i].InterfaceID = fmt.Appendf(nil, "%s%d", recs[i].InterfaceID, i%250)
		}
	}
	return recs
}

var kinds = []struct {
	name string
	recs []flow.Record
}{
	{"default format", block(16384, atENI("eni-"), ofAccount("3"))},
	{"default format, interfaces in the book", block(16384, atENI("eni-known-"), ofAccount("0"))},
	{"subnet-id", block(16384, atENI("eni-"), inSubnet("subnet-7"), inVPC("vpc-00000"))},
	{"flow-direction and vpc-id", block(16384, atENI("eni-"), inVPC("vpc-00003"), going(flow.Egress))},
}

func TestLocateDoesNotAllocate(t *testing.T) {
	table := NewTable(manySubnets(1000))
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			p := Placer{Learner: new(Learner)}
			recs := make([]flow.Record, len(kind.recs))
			if n := testing.AllocsPerRun(5, func() {
				copy(recs, kind.recs)
				p.Locate(table, recs)
			}); n != 0 {
				t.Errorf("%v allocations for a block, want 0", n)
			}
			for i := range recs {
				if recs[i].Subnet == nil {
					t.Fatalf("record %d is unmatched: %+v", i, recs[i])
				}
			}
		})
	}
}

// With 50,000 subnets in 200 VPCs of equal ranges every record is still placed
// in the VPC that it names.
func TestManySubnets(t *testing.T) {
	table := NewTable(manySubnets(50_000))
	recs := block(1000, inVPC("vpc-00123"))
	locate(table, recs, nil)
	for i := range recs {
		if cidr, vpcID := placed(&recs[i]); vpcID != "vpc-00123" || cidr != fmt.Sprintf("10.%d.0.0/24", i%250) {
			t.Fatalf("record %d is in %q of %q", i, cidr, vpcID)
		}
	}
}

func BenchmarkNewTable(b *testing.B) {
	subnets, interfaces := manySubnets(50_000)
	b.ReportAllocs()
	for b.Loop() {
		NewTable(subnets, interfaces)
	}
}
