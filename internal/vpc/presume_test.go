package vpc

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Each case has an interface whose own address the first block teaches; the
// second block must be placed as if all had been looked at anew.
func TestPresume(t *testing.T) {
	book := NewTable([]flow.Subnet{
		subnet("10.0.0.0/24", "subnet-a", "vpc-1", "2001:db8::/64"),
		subnet("10.0.0.0/24", "subnet-merged", "vpc-1"),
		subnet("10.0.1.0/24", "subnet-b", "vpc-1", "2001:db8:0:1::/64"),
		subnet("10.0.0.128/25", "", ""),
		subnet("192.168.0.0/16", "", ""),
	}, nil)
	app := atENI("eni-1111aaaa2222bbbb3")
	teach := func(own string, change ...func(*flow.Record)) []flow.Record {
		change = append(change, app)
		return []flow.Record{record(own, "8.8.8.8", change...), record(own, "8.8.4.4", change...)}
	}
	for _, c := range []struct {
		name   string
		taught []flow.Record
		then   []flow.Record
		want   []string
	}{
		{
			"both ends are local", teach("10.0.1.5"),
			[]flow.Record{record("10.0.1.5", "10.0.0.9", app), record("10.0.0.9", "10.0.1.5", app)}, []string{out, in},
		},
		{
			"a later record of the block contradicts", teach("10.0.1.5"),
			[]flow.Record{record("10.0.0.9", "10.0.1.5", app), record("8.8.8.8", "10.0.1.5", app), record("10.0.0.1", "10.0.0.2", app)}, []string{ask, in, ask},
		},
		{
			"a later record of the block contradicts, which names the zone too", teach("10.0.1.5"),
			[]flow.Record{record("10.0.0.9", "10.0.1.5", app), record("10.0.0.1", "10.0.0.2", app, inZone("az1"))}, []string{ask, ask},
		},
		{
			"the own address lies beyond the book", teach("172.31.0.1"),
			[]flow.Record{record("172.31.0.1", "10.0.1.5", app), record("172.31.0.1", "8.8.8.8", app)}, []string{in, no},
		},
		{
			"the own address lies in another subnet than subnet-id says", teach("192.168.1.1", inSubnet("subnet-b")),
			[]flow.Record{record("192.168.1.1", "10.0.1.5", app, inSubnet("subnet-b"))}, []string{in},
		},
		{
			"the subnet-id was merged away, so that the own end is not local", teach("10.0.0.5", inSubnet("subnet-merged")),
			[]flow.Record{record("10.0.0.5", "10.0.0.200", app, inSubnet("subnet-merged"))}, []string{in},
		},
		{
			"flow-direction says otherwise", teach("10.0.1.5"),
			[]flow.Record{record("10.0.1.5", "10.0.0.9", app, going(flow.Ingress))}, []string{in},
		},
		{
			"flow-direction says otherwise between others", teach("10.0.1.5"),
			[]flow.Record{record("10.0.1.5", "10.0.0.9", app), record("10.0.1.5", "10.0.0.9", app, going(flow.Ingress)), record("10.0.1.5", "10.0.0.9", app)}, []string{out, in, out},
		},
		{
			"the other end is of the other family, or none", teach("10.0.1.5"),
			[]flow.Record{record("2001:db8::1", "10.0.1.5", app), record("10.0.1.5", "-", app), record("10.0.1.5", "10.0.1.5", app)}, []string{ask, out, ask},
		},
		{
			"IPv4 written as IPv6, and a zone", append(teach("10.0.1.5"), record("2001:db8::1%eth0", "2600::1", app), record("2001:db8::1", "2600::2", app)),
			[]flow.Record{record("10.0.0.9", "::ffff:10.0.1.5", app), record("2001:db8:0:1::1", "2001:db8::1%eth1", app)}, []string{in, in},
		},
		{
			"IPv4 written as IPv6 at the other end, which is of the other family so", []flow.Record{record("2001:db8::1", "2600::1", app), record("2001:db8::1", "2600::2", app)},
			[]flow.Record{record("::ffff:10.0.1.5", "2001:db8::1", app)}, []string{ask},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			hinted := hint(slices.Clone(c.then), c.taught[0].Src, c.taught[len(c.taught)-1].Src)
			for _, then := range [][]flow.Record{c.then, hinted} {
				p := Placer{Learner: new(Learner)}
				p.Locate(book, slices.Clone(c.taught))
				p.Locate(book, then)
				if got := fmt.Sprint(told(then)); got != fmt.Sprint(c.want) {
					t.Errorf("got %v, want %v", got, c.want)
				}
			}
		})
	}
}

// hint lets records share their names where these are equal, and say at which end
// one of the usual addresses stands, as a reader does.
func hint(recs []flow.Record, usual ...netip.Addr) []flow.Record {
	for i := range recs {
		r := &recs[i]
		if i > 0 && namesEqual(r, &recs[i-1]) {
			r.Names = recs[i-1].Names
		} else {
			names := *r.Names
			r.Names = &names
			for _, a := range usual {
				names.Usual[flow.FamilyOf(a)] = a
			}
		}
		if own := r.Usual[flow.FamilyOf(r.Src)]; own == plain(own) && oneFamily(r.Src, r.Dst) {
			r.UsualEnd = flow.OneEnd(r.Src == own, r.Dst == own)
		}
	}
	return recs
}

// namesEqual compares what two records say of their interface, but for hints.
func namesEqual(a, b *flow.Record) bool {
	x, y := *a.Names, *b.Names
	x.Usual, y.Usual = [2]netip.Addr{}, [2]netip.Addr{}
	return reflect.DeepEqual(x, y)
}

// Records are of one run only if each name stands at the same place in both.
func TestNamedAlike(t *testing.T) {
	text := []byte("eni-1 1 subnet-1 vpc-1 az1")
	named := func() flow.Record {
		return flow.Record{Names: &flow.Names{InterfaceID: text[:5], AccountID: text[6:7], SubnetID: text[8:16], VPCID: text[17:22], AZID: text[23:]}}
	}
	a := named()
	if b := named(); !namedAlike(&a, &b) {
		t.Error("equal records differ")
	}
	for i := range 5 {
		for _, other := range [][]byte{nil, text[:1], []byte("eni-1")} {
			b := named()
			*[]*[]byte{&b.InterfaceID, &b.AccountID, &b.SubnetID, &b.VPCID, &b.AZID}[i] = other
			if namedAlike(&a, &b) || namedAlike(&b, &a) {
				t.Errorf("a record of which name %d is %q is of the run", i, other)
			}
		}
	}
}

// What one worker learns holds for all.
func TestPresumeWhatOthersRefuted(t *testing.T) {
	book, l, app := NewTable([]flow.Subnet{subnet("10.0.0.0/16", "", "")}, nil), new(Learner), atENI("eni-1")
	a, b := Placer{Learner: l}, Placer{Learner: l}
	talk := func() []flow.Record { return []flow.Record{record("10.0.0.9", "10.0.1.5", app)} }
	a.Locate(book, []flow.Record{record("10.0.1.5", "8.8.8.8", app), record("10.0.1.5", "8.8.4.4", app)})
	for _, step := range []struct {
		p    *Placer
		recs []flow.Record
		want string
	}{
		{&a, talk(), in},
		{&b, talk(), in},
		{&b, []flow.Record{record("10.0.0.1", "10.0.0.2", app)}, ask},
		{&a, talk(), ask},
	} {
		step.p.Locate(book, step.recs)
		if got := told(step.recs)[0]; got != step.want {
			t.Errorf("got %s, want %s", got, step.want)
		}
	}
}

// Addresses that share a slot don't share a rung.
func TestRungsOfManyAddresses(t *testing.T) {
	subnets, _ := manySubnets(250)
	table := NewTable(subnets, nil)
	var c rungs
	c.turn(table)
	for n := range 40_000 {
		addr := netip.AddrFrom4([4]byte{10, byte(n), 0, byte(n >> 8)})
		if n%4 == 0 {
			addr = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 6: byte(n >> 8), 7: byte(n >> 2), 15: 1})
		}
		want, _ := table.prefixes.Lookup(addr)
		for range 2 { // met, remembered
			if c.of(addr) != want {
				t.Fatalf("%v has another rung", addr)
			}
		}
	}
}
