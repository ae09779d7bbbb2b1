package vpc

import (
	"flag"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// reference places records by the text of the rule, slowly and without an
// index: every subnet is asked for every record.
type reference struct {
	subnets    []flow.Subnet
	interfaces []Interface
	// common are the addresses that all records of an interface and family
	// have had at an end.
	common map[string][]netip.Addr
}

type verdict struct {
	vpcID, cidr string
	direction   flow.Direction
	ambiguous   bool
}

func (r *reference) subnetOf(id string) *flow.Subnet {
	for i := range r.subnets {
		if id != "" && r.subnets[i].ID == id {
			return &r.subnets[i]
		}
	}
	return nil
}

func (r *reference) interfaceOf(id string) *Interface {
	for i := range r.interfaces {
		if id != "" && r.interfaces[i].ID == id {
			return &r.interfaces[i]
		}
	}
	return nil
}

// vpcOfInterface is what the book says.
func (r *reference) vpcOfInterface(i *Interface) string {
	if s := r.subnetOf(i.SubnetID); s != nil && s.VPCID != "" {
		return s.VPCID
	}
	return i.VPCID
}

func (r *reference) vpcOf(rec *flow.Record) string {
	if s := r.subnetOf(string(rec.SubnetID)); s != nil && s.VPCID != "" {
		return s.VPCID
	}
	if len(rec.VPCID) > 0 {
		return string(rec.VPCID)
	}
	if i := r.interfaceOf(string(rec.InterfaceID)); i != nil {
		return r.vpcOfInterface(i)
	}
	return ""
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }

type found struct {
	subnet *flow.Subnet
	bits   int
}

// candidates returns what is left after all filters, the best first.
func (r *reference) candidates(rec *flow.Record, addr netip.Addr) []found {
	var list []found
	for i := range r.subnets {
		s := &r.subnets[i]
		if differ(s.VPCID, r.vpcOf(rec)) || differ(s.ID, string(rec.SubnetID)) {
			continue
		}
		bits := -1
		for _, p := range s.Prefixes {
			if p.Contains(addr) {
				bits = max(bits, p.Bits())
			}
		}
		if bits >= 0 {
			list = append(list, found{s, bits})
		}
	}
	list = narrow(list, func(s *flow.Subnet) bool { return !differ(s.AZID, string(rec.AZID)) })
	list = narrow(list, func(s *flow.Subnet) bool { return !differ(s.AccountID, string(rec.AccountID)) })
	slices.SortFunc(list, func(a, b found) int {
		if a.bits != b.bits {
			return b.bits - a.bits
		}
		if (a.subnet.VPCID == "") != (b.subnet.VPCID == "") {
			if a.subnet.VPCID == "" {
				return 1
			}
			return -1
		}
		if c := strings.Compare(a.subnet.VPCID, b.subnet.VPCID); c != 0 {
			return c
		}
		return strings.Compare(a.subnet.CIDR, b.subnet.CIDR)
	})
	return list
}

func narrow(list []found, fits func(*flow.Subnet) bool) []found {
	var kept []found
	for _, f := range list {
		if fits(f.subnet) {
			kept = append(kept, f)
		}
	}
	if len(kept) == 0 {
		return list
	}
	return kept
}

func (r *reference) direction(rec *flow.Record) flow.Direction {
	within := func(s *flow.Subnet, a netip.Addr) bool {
		return slices.ContainsFunc(s.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	i := r.interfaceOf(string(rec.InterfaceID))
	if rec.Direction != flow.DirectionUnknown {
		return rec.Direction
	}
	if i != nil {
		has := func(a netip.Addr) bool {
			return slices.ContainsFunc(i.Addrs, func(b netip.Addr) bool { return b.Unmap().WithZone("") == a })
		}
		if a, b := has(rec.Src), has(rec.Dst); a != b {
			return map[bool]flow.Direction{true: flow.Egress, false: flow.Ingress}[a]
		}
	}
	home := r.subnetOf(string(rec.SubnetID))
	if home == nil {
		home = r.subnetOfInterface(rec)
	}
	if home != nil {
		if a, b := within(home, rec.Src), within(home, rec.Dst); a != b {
			return map[bool]flow.Direction{true: flow.Egress, false: flow.Ingress}[a]
		}
	}
	if a, b := len(r.candidates(rec, rec.Src)) > 0, len(r.candidates(rec, rec.Dst)) > 0; a != b {
		return map[bool]flow.Direction{true: flow.Egress, false: flow.Ingress}[a]
	}
	if own := r.common[key(rec)]; len(own) == 1 && rec.Src != rec.Dst && key(rec) != "" {
		if own[0] == rec.Src {
			return flow.Egress
		}
		if own[0] == rec.Dst {
			return flow.Ingress
		}
	}
	return flow.DirectionUnknown
}

func (r *reference) subnetOfInterface(rec *flow.Record) *flow.Subnet {
	i := r.interfaceOf(string(rec.InterfaceID))
	if i == nil || len(rec.SubnetID) > 0 || differ(r.vpcOfInterface(i), r.vpcOf(rec)) {
		return nil
	}
	return r.subnetOf(i.SubnetID)
}

// key names interface and family; it is empty where nothing can be learned.
func key(rec *flow.Record) string {
	if len(rec.InterfaceID) == 0 || !rec.Src.IsValid() || !rec.Dst.IsValid() || rec.Src.Is4() != rec.Dst.Is4() {
		return ""
	}
	if rec.Src.Is4() {
		return string(rec.InterfaceID) + " IPv4"
	}
	return string(rec.InterfaceID) + " IPv6"
}

func (r *reference) block(recs []flow.Record) (out []verdict) {
	for i := range recs {
		rec := &recs[i]
		rec.Src, rec.Dst = rec.Src.Unmap().WithZone(""), rec.Dst.Unmap().WithZone("")
		k := key(rec)
		if k == "" || rec.Direction != flow.DirectionUnknown || r.interfaceOf(string(rec.InterfaceID)) != nil {
			continue
		}
		both := []netip.Addr{rec.Src, rec.Dst}
		if rec.Src == rec.Dst {
			both = both[:1]
		}
		if before, seen := r.common[k]; seen {
			both = slices.DeleteFunc(slices.Clone(before), func(a netip.Addr) bool { return !slices.Contains(both, a) })
		}
		r.common[k] = both
	}
	for i := range recs {
		out = append(out, r.place(&recs[i]))
	}
	return out
}

func (r *reference) place(rec *flow.Record) verdict {
	direction := r.direction(rec)
	own, guess := rec.Src, direction == flow.DirectionUnknown
	if direction == flow.Ingress {
		own = rec.Dst
	}
	byAddress := r.candidates(rec, own)
	home := r.subnetOf(string(rec.SubnetID))
	several := false
	if home == nil && (len(rec.VPCID) == 0 || len(byAddress) == 0) {
		home = r.subnetOfInterface(rec)
	}
	if home == nil && len(byAddress) > 0 {
		home = byAddress[0].subnet
		vpcs := map[string]bool{}
		for _, f := range byAddress {
			if f.subnet.VPCID != "" {
				vpcs[f.subnet.VPCID] = true
			}
		}
		several = len(vpcs) > 1
	}
	switch {
	case home == nil:
		return verdict{direction: direction}
	case guess:
		return verdict{home.VPCID, home.CIDR, flow.Egress, true}
	}
	return verdict{home.VPCID, home.CIDR, direction, several}
}

// The drawn worlds are small, so that ranges overlap and evidence contradicts.
var (
	somePrefixes = []string{
		"10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/24", "10.0.0.0/28", "10.0.1.0/24", "10.0.0.128/25", "0.0.0.0/0",
		"2001:db8::/32", "2001:db8::/64", "2001:db8:0:1::/64", "2001:db8::8/127",
	}
	someAddrs = []string{
		"", "10.0.0.1", "10.0.0.2", "10.0.0.130", "10.0.1.1", "10.7.7.7", "8.8.8.8", "10.0.0.9",
		"2001:db8::1", "2001:db8::9", "2001:db8:0:1::1", "2001:db8:9::1", "2600::1",
		"::ffff:10.0.0.1", "::ffff:10.0.0.130", "2001:db8::1%eth0", "::",
	}
	someVPCs     = []string{"", "vpc-1", "vpc-2", "vpc-3"}
	someZones    = []string{"", "az1", "az2"}
	someAccounts = []string{"", "111", "222", strings.Repeat("3", 40)}
	someSubnets  = []string{"", "subnet-0", "subnet-1", "subnet-2", "subnet-3", "subnet-z"}
	someENIs     = []string{"", "eni-1", "eni-2", "eni-3", "eni-4", strings.Repeat("e", maxInterfaceID)}
)

// shared are the texts that lines of one envelope share.
var shared = func() map[string][]byte {
	texts := map[string][]byte{}
	for _, list := range [][]string{someVPCs, {"vpc-z"}, someZones, someAccounts, someSubnets, someENIs} {
		for _, word := range list {
			texts[word] = []byte(word)
		}
	}
	return texts
}()

func drawSubnets(t *rapid.T) (subnets []flow.Subnet) {
	used := map[flow.Key]bool{}
	for n := range rapid.IntRange(0, 9).Draw(t, "subnets") {
		var prefixes []netip.Prefix
		for _, p := range rapid.SliceOfNDistinct(rapid.SampledFrom(somePrefixes), 1, 2, rapid.ID).Draw(t, "prefixes") {
			prefixes = append(prefixes, netip.MustParsePrefix(p))
		}
		s := flow.Subnet{
			CIDR: prefixes[0].String(), Prefixes: prefixes, VPCID: rapid.SampledFrom(someVPCs).Draw(t, "vpc"),
			AZID: rapid.SampledFrom(someZones).Draw(t, "az"), AccountID: rapid.SampledFrom(someAccounts).Draw(t, "account"),
		}
		if rapid.Bool().Draw(t, "has id") {
			s.ID = "subnet-" + string(rune('0'+n))
		}
		if !used[s.Key()] {
			used[s.Key()] = true
			subnets = append(subnets, s)
		}
	}
	return subnets
}

func drawAddr(t *rapid.T) netip.Addr {
	a, _ := netip.ParseAddr(rapid.SampledFrom(someAddrs).Draw(t, "address"))
	return a
}

func drawInterfaces(t *rapid.T) (interfaces []Interface) {
	for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom(someENIs[1:]), 0, 2, rapid.ID).Draw(t, "interfaces") {
		i := Interface{ID: id, SubnetID: rapid.SampledFrom(someSubnets).Draw(t, "subnet-id"), VPCID: rapid.SampledFrom(someVPCs).Draw(t, "vpc")}
		for range rapid.IntRange(0, 2).Draw(t, "addresses") {
			if a := drawAddr(t); a.IsValid() {
				i.Addrs = append(i.Addrs, a)
			}
		}
		interfaces = append(interfaces, i)
	}
	return interfaces
}

func drawRecord(t *rapid.T, has [6]bool) flow.Record {
	text := func(has bool, from []string, what string) []byte {
		if !has {
			return nil
		}
		word := rapid.SampledFrom(from).Draw(t, what)
		if rapid.Bool().Draw(t, "at the same place") {
			return shared[word]
		}
		return []byte(word)
	}
	r := flow.Record{
		Src: drawAddr(t), Dst: drawAddr(t),
		Names: &flow.Names{
			InterfaceID: text(has[0], someENIs, "interface-id"), SubnetID: text(has[1], someSubnets, "subnet-id"),
			VPCID: text(has[2], append(someVPCs, "vpc-z"), "vpc-id"), AZID: text(has[3], someZones, "az-id"),
			AccountID: text(has[4], someAccounts, "account-id"),
		},
	}
	if has[5] {
		r.Direction = rapid.SampledFrom([]flow.Direction{flow.DirectionUnknown, flow.Ingress, flow.Egress}).Draw(t, "direction")
	}
	return r
}

// check runs a property over at least so many cases.
func check(t *testing.T, cases string, property func(*rapid.T)) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	before := f.Value.String()
	if err := f.Value.Set(cases); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Value.Set(before) }()
	rapid.Check(t, property)
}

// drawTalk draws a record that has the own address of its interface at an end,
// as nearly all have.
func drawTalk(t *rapid.T, has [6]bool) flow.Record {
	r := drawRecord(t, has)
	if has[0] && rapid.IntRange(0, 4).Draw(t, "interface") > 0 {
		r.InterfaceID = []byte("eni-4")
	}
	own, _ := netip.ParseAddr(someAddrs[1+(len(r.InterfaceID)+int(sum(r.InterfaceID)))%len(someAddrs[1:])])
	switch n := rapid.IntRange(0, 20).Draw(t, "own end"); {
	case n == 0: // as drawn
	case n <= 10:
		r.Src = own
	default:
		r.Dst = own
	}
	return r
}

// drawNeighbour gives a record the names of the one before it, but for one at most.
func drawNeighbour(t *rapid.T, r, before *flow.Record) {
	own := rapid.IntRange(0, 10).Draw(t, "own name")
	names := func(r *flow.Record) []*[]byte {
		return []*[]byte{&r.InterfaceID, &r.SubnetID, &r.VPCID, &r.AZID, &r.AccountID}
	}
	for i, name := range names(r) {
		if i != own {
			*name = *names(before)[i]
		}
	}
}

// drawHints lets records share their names, as some do of a reader, and say what is
// usual of these and at which end that stands: mostly, but never falsely.
func drawHints(t *rapid.T, recs []flow.Record) {
	for i := range recs {
		if i > 0 && reflect.DeepEqual(recs[i].Names, recs[i-1].Names) && rapid.Bool().Draw(t, "shared") {
			recs[i].Names = recs[i-1].Names
		}
	}
	for i := range recs {
		r := &recs[i]
		for family, usual := range r.Usual {
			if a := []netip.Addr{r.Src, r.Dst}[rapid.IntRange(0, 1).Draw(t, "usual")]; !usual.IsValid() && a == plain(a) && int(flow.FamilyOf(a)) == family {
				r.Usual[family] = a
			}
		}
		own := r.Usual[flow.FamilyOf(r.Src)]
		if own.IsValid() && (r.Src == own) != (r.Dst == own) && oneFamily(r.Src, r.Dst) && rapid.IntRange(0, 3).Draw(t, "hint") > 0 {
			r.UsualEnd = flow.OneEnd(r.Src == own, r.Dst == own)
		}
	}
}

func sum(id []byte) (n byte) {
	for _, c := range id {
		n += c
	}
	return n
}

// world is a table and its slow reference, which all share what was learned.
type world struct {
	fast *Table
	slow reference
}

func drawWorld(t *rapid.T, common map[string][]netip.Addr) world {
	subnets, interfaces := drawSubnets(t), drawInterfaces(t)
	return world{NewTable(subnets, interfaces), reference{subnets, interfaces, common}}
}

func drawFields(t *rapid.T) (has [6]bool) {
	for i := range has {
		has[i] = rapid.Bool().Draw(t, "has field")
	}
	return has
}

func (w *world) compare(t *rapid.T, p *Placer, recs []flow.Record) {
	want := w.slow.block(slices.Clone(recs))
	p.Locate(w.fast, recs)
	for i := range recs {
		got := verdict{direction: recs[i].Direction, ambiguous: recs[i].Ambiguous}
		got.cidr, got.vpcID = placed(&recs[i])
		if got != want[i] {
			t.Fatalf("record %d %+v\n got %+v\nwant %+v", i, recs[i], got, want[i])
		}
	}
}

// unrelated records of one or two blocks.
func unrelated(t *rapid.T) {
	w, has, p := drawWorld(t, map[string][]netip.Addr{}), drawFields(t), &Placer{Learner: new(Learner)}
	for range rapid.IntRange(1, 2).Draw(t, "blocks") {
		recs := make([]flow.Record, rapid.IntRange(1, 6).Draw(t, "records"))
		for i := range recs {
			recs[i] = drawRecord(t, has)
		}
		w.compare(t, p, recs)
	}
}

// conversations are blocks of a few interfaces, taken by two workers in turn
// while the address book changes.
func conversations(t *rapid.T) {
	common, l := map[string][]netip.Addr{}, new(Learner)
	worlds := []world{drawWorld(t, common), drawWorld(t, common)}
	workers := []*Placer{{Learner: l}, {Learner: l}}
	var has [6]bool
	for i := range has { // mostly as in the default format
		has[i] = i == 0 || rapid.IntRange(0, 3).Draw(t, "has field") == 3
	}
	for range rapid.IntRange(1, 8).Draw(t, "blocks") {
		recs := make([]flow.Record, rapid.IntRange(1, 12).Draw(t, "records"))
		for i := range recs {
			if recs[i] = drawTalk(t, has); i > 0 && rapid.IntRange(0, 3).Draw(t, "neighbour") > 0 {
				drawNeighbour(t, &recs[i], &recs[i-1])
			}
		}
		drawHints(t, recs)
		w := rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "world")
		worlds[w].compare(t, workers[rapid.IntRange(0, 1).Draw(t, "worker")], recs)
	}
}

func TestLocateAgreesWithReference(t *testing.T) { check(t, "10000", unrelated) }

func TestPlacersAgreeWithReference(t *testing.T) { check(t, "3000", conversations) }

// FuzzLocate compares placers with the reference, over books, interfaces and
// blocks that are made of the input.
func FuzzLocate(f *testing.F) {
	for seed := range uint64(8) {
		bits := make([]byte, 2048)
		r := rand.NewChaCha8([32]byte{byte(seed)})
		_, _ = r.Read(bits)
		f.Add(bits)
	}
	f.Fuzz(rapid.MakeFuzz(conversations))
}
