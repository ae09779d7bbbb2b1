package vpc

import (
	"bytes"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

const (
	in  = "ingress"
	out = "egress"
	ask = "egress?" // guessed
	no  = "-"       // unmatched
)

// told writes down how the records were placed.
func told(recs []flow.Record) (words []string) {
	for i := range recs {
		word := recs[i].Direction.String()
		if recs[i].Ambiguous {
			word += "?"
		}
		if recs[i].Subnet == nil {
			word = no
		}
		words = append(words, word)
	}
	return words
}

// The NAT gateway and transit gateway examples are those of
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
func TestLearn(t *testing.T) {
	subnets := []flow.Subnet{
		subnet("10.0.0.0/24", "subnet-nat", "vpc-1", "2001:db8::/64"), subnet("10.0.1.0/24", "subnet-app", "vpc-1", "2001:db8:0:1::/64"),
		subnet("10.40.1.0/24", "subnet-11111111aaaaaaaaa", "vpc-abcdefab012345678"),
		subnet("10.40.2.0/24", "subnet-22222222bbbbbbbbb", "vpc-abcdefab012345678"),
	}
	nat, app := atENI("eni-1235b8ca123456789"), atENI("eni-1111aaaa2222bbbb3")
	tgw := inVPC("vpc-abcdefab012345678")
	for _, c := range []struct {
		name   string
		blocks [][]flow.Record
		want   [][]string
	}{
		{
			"NAT gateway",
			[][]flow.Record{{
				record("10.0.1.5", "10.0.0.220", nat), record("10.0.0.220", "203.0.113.5", nat),
				record("203.0.113.5", "10.0.0.220", nat), record("10.0.0.220", "10.0.1.5", nat),
				record("10.0.1.5", "203.0.113.5", app), record("203.0.113.5", "10.0.1.5", app),
			}},
			[][]string{{in, out, in, out, out, in}},
		},
		{
			"transit gateway",
			[][]flow.Record{{
				record("10.20.33.164", "10.40.2.236", atENI("eni-33333333333333333"), tgw, inSubnet("subnet-22222222bbbbbbbbb")),
				record("10.40.2.236", "10.20.33.164", atENI("eni-33333333333333333"), tgw, inSubnet("subnet-22222222bbbbbbbbb")),
				record("10.40.1.175", "10.40.2.236", atENI("eni-11111111111111111"), tgw, inSubnet("subnet-11111111aaaaaaaaa")),
				record("10.40.2.236", "10.40.2.31", atENI("eni-22222222222222222"), tgw, inSubnet("subnet-22222222bbbbbbbbb")),
				record("10.40.2.31", "10.40.2.7", atENI("eni-22222222222222222"), tgw, inSubnet("subnet-22222222bbbbbbbbb")),
			}},
			[][]string{{in, out, out, in, out}},
		},
		{
			"regional NAT gateway has no interface",
			[][]flow.Record{{record("10.0.1.5", "203.0.113.5"), record("203.0.113.5", "107.22.182.139")}},
			[][]string{{out, no}},
		},
		{
			"a later record of the block tells about an earlier one",
			[][]flow.Record{{record("10.0.1.5", "10.0.0.9", app), record("10.0.0.8", "10.0.1.5", app)}},
			[][]string{{out, in}},
		},
		{
			"an earlier body tells about a later one, not the other way round",
			[][]flow.Record{
				{record("10.0.0.9", "10.0.1.5", app)},
				{record("8.8.8.8", "10.0.1.5", app)},
				{record("10.0.0.9", "10.0.1.5", app)},
			},
			[][]string{{ask}, {in}, {in}},
		},
		{
			"two interfaces that talk to each other alone stay unknown",
			[][]flow.Record{{record("10.0.1.5", "10.0.0.9", app), record("10.0.0.9", "10.0.1.5", app)}},
			[][]string{{ask, ask}},
		},
		{
			"contradiction is never trusted again",
			[][]flow.Record{
				{record("10.0.1.5", "10.0.0.9", app), record("10.0.1.5", "10.0.0.8", app)},
				{record("10.0.0.1", "10.0.1.2", app)},
				{record("10.0.0.9", "10.0.1.5", app), record("10.0.0.8", "10.0.1.5", app)},
			},
			[][]string{{out, out}, {ask}, {ask, ask}},
		},
		{
			"families are learned apart",
			[][]flow.Record{{
				record("10.0.1.5", "10.0.0.9", app), record("10.0.1.5", "10.0.0.8", app),
				record("2001:db8:0:1::5", "2001:db8::9", app),
				record("2001:db8::1", "2001:db8:0:1::2", atENI("eni-6")), record("2001:db8::1", "2001:db8:0:1::3", atENI("eni-6")),
			}},
			[][]string{{out, out, ask, out, out}},
		},
		{
			"an interface that talks to itself",
			[][]flow.Record{{record("10.0.1.5", "10.0.1.5", app), record("10.0.0.9", "10.0.1.5", app)}},
			[][]string{{ask, in}},
		},
		{
			"flow-direction and the book teach nothing",
			[][]flow.Record{
				{record("10.0.1.5", "10.0.0.9", app, going(flow.Egress)), record("10.0.1.5", "10.0.0.8", app, going(flow.Egress))},
				{record("10.0.0.7", "10.0.1.5", app)},
			},
			[][]string{{out, out}, {ask}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, p := NewTable(subnets, nil), Placer{Learner: new(Learner)}
			for i, block := range c.blocks {
				p.Locate(table, block)
				if got := told(block); fmt.Sprint(got) != fmt.Sprint(c.want[i]) {
					t.Errorf("block %d: got %v, want %v", i+1, got, c.want[i])
				}
			}
		})
	}
}

func TestLearnLeavesKnownInterfacesAlone(t *testing.T) {
	l := new(Learner)
	recs := []flow.Record{record("10.0.0.5", "10.0.1.9", atENI("eni-a"))}
	locate(testBook(), recs, l)
	if l.find([]byte("eni-a")) != nil {
		t.Error("learned an interface that the book knows")
	}
}

func ofAnyLength(n int) func(*flow.Record) {
	return func(r *flow.Record) { r.InterfaceID = bytes.Repeat([]byte("x"), n) }
}

func TestLearnMemoryIsBounded(t *testing.T) {
	table := NewTable([]flow.Subnet{subnet("10.0.0.0/8", "", "")}, nil)
	l := &Learner{Size: 100}
	p := Placer{Learner: l}
	for n := range 10_000 {
		own := netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)}).String()
		id := fmt.Sprintf("eni-%d", n)
		p.Locate(table, []flow.Record{
			record(own, "8.8.8.8", atENI(id)),
			record("10.9.9.9", "8.8.8.8", atENI("eni-always")), record("10.9.9.9", "8.8.4.4", atENI("eni-always")),
		})
		if got := len(l.young) + len(l.old); got > 100 {
			t.Fatalf("%d interfaces are remembered, want at most 100", got)
		}
	}
	recs := []flow.Record{
		record("10.3.3.3", "10.9.9.9", atENI("eni-always")),
		record("10.1.39.15", "10.3.3.3", atENI("eni-9999")),
		record("10.3.3.3", "10.1.0.0", atENI("eni-0")),
		record("10.3.3.3", "10.1.0.0", ofAnyLength(maxInterfaceID)), record("10.3.3.4", "10.1.0.0", ofAnyLength(maxInterfaceID)),
		record("10.3.3.3", "10.1.0.0", ofAnyLength(maxInterfaceID+1)), record("10.3.3.4", "10.1.0.0", ofAnyLength(maxInterfaceID+1)),
	}
	locate(table, recs, l)
	if got, want := fmt.Sprint(told(recs)), fmt.Sprint([]string{in, out, ask, in, in, ask, ask}); got != want {
		t.Errorf("got %v, want %v: active and recent interfaces stay, old ones are forgotten", got, want)
	}
}

func TestLearnConcurrently(t *testing.T) {
	table := NewTable([]flow.Subnet{subnet("10.0.0.0/8", "", "")}, nil)
	l := &Learner{Size: 400}
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			p := Placer{Learner: l}
			for n := range 500 {
				id := atENI(fmt.Sprintf("eni-%d", n%97))
				own := fmt.Sprintf("10.0.0.%d", n%97)
				recs := []flow.Record{record(own, fmt.Sprintf("10.1.0.%d", w), id), record("8.8.8.8", own, id)}
				p.Locate(table, recs)
				if got := fmt.Sprint(told(recs)); got != fmt.Sprint([]string{out, in}) {
					t.Errorf("got %v", got)
				}
			}
		})
	}
	workers.Wait()
}
