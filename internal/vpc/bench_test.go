package vpc

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// estate is a book of /24 subnets and its interfaces, which talk to each other
// and to the internet.
type estate struct {
	subnets    []flow.Subnet
	interfaces []Interface
	accounts   []string // of the interfaces
}

// newEstate makes an estate of n subnets, each of a range of its own or all of
// the same 250 ranges in a VPC and an account of its own.
func newEstate(n, interfaces int, overlapping bool) (e estate) {
	for i := range n {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i)}), 24)
		vpcID := "vpc-0123456789abcdef0"
		if overlapping {
			p = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i % 250)}), 24)
			vpcID = fmt.Sprintf("vpc-%017x", i/250)
		}
		e.subnets = append(e.subnets, flow.Subnet{
			CIDR: p.String(), Prefixes: []netip.Prefix{p}, ID: fmt.Sprintf("subnet-%017x", i), VPCID: vpcID, AccountID: fmt.Sprintf("%012d", i/250),
		})
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range interfaces {
		s := &e.subnets[r.IntN(n)]
		own := s.Prefixes[0].Addr().As4()
		own[3] = byte(4 + r.IntN(250))
		e.interfaces = append(e.interfaces, Interface{
			ID: fmt.Sprintf("eni-%017x", i*0x9e3779b97f4a7), SubnetID: s.ID, VPCID: s.VPCID, Addrs: []netip.Addr{netip.AddrFrom4(own)},
		})
		e.accounts = append(e.accounts, s.AccountID)
	}
	return e
}

// blocks makes records of the default format, run after run of one interface.
func (e *estate) blocks(run int) (blocks [][]flow.Record) {
	r := rand.New(rand.NewPCG(3, 4))
	at := 0
	for range 8 {
		recs := make([]flow.Record, 1024)
		for i := range recs {
			if i%run == 0 {
				at = r.IntN(len(e.interfaces))
			}
			own := e.interfaces[at].Addrs[0]
			peer := e.interfaces[(at+r.IntN(16))%len(e.interfaces)].Addrs[0]
			if r.IntN(2) == 0 {
				peer = netip.AddrFrom4([4]byte{byte(20 + r.IntN(100)), byte(r.Uint32()), byte(r.Uint32()), 1})
			}
			if r.IntN(2) == 0 {
				own, peer = peer, own
			}
			recs[i] = flow.Record{Src: own, Dst: peer, Names: &flow.Names{InterfaceID: []byte(e.interfaces[at].ID), AccountID: []byte(e.accounts[at])}}
		}
		blocks = append(blocks, recs)
	}
	return blocks
}

// BenchmarkLocate tells the time per record. The learner has learned.
func BenchmarkLocate(b *testing.B) {
	for _, c := range []struct {
		subnets     int
		overlapping bool
	}{{500, false}, {5_000, false}, {50_000, false}, {250_000, true}} {
		name := fmt.Sprintf("subnets=%d", c.subnets)
		if c.overlapping {
			name = fmt.Sprintf("overlapping VPCs=%d", c.subnets/250)
		}
		e := newEstate(c.subnets, 2000, c.overlapping)
		for _, known := range []bool{false, true} {
			var book []Interface
			if known {
				book = e.interfaces
			}
			table := NewTable(e.subnets, book)
			for _, run := range []int{200, 1} {
				b.Run(fmt.Sprintf("%s/interfaces known=%v/run=%d", name, known, run), func(b *testing.B) { benchmarkLocate(b, table, e.blocks(run)) })
			}
		}
	}
}

func benchmarkLocate(b *testing.B, table *Table, blocks [][]flow.Record) {
	p := Placer{Learner: new(Learner)}
	locate := func(recs []flow.Record) {
		for i := range recs {
			recs[i].Direction = flow.DirectionUnknown
		}
		p.Locate(table, recs)
	}
	for range 2 {
		for _, recs := range blocks {
			locate(recs)
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		locate(blocks[i%len(blocks)])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(blocks[0])), "ns/record")
}
