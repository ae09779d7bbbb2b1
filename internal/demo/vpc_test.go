package demo

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// noon is when the tests' traffic begins.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// traffic returns the envelopes of a demo of that length, at rate records a second.
func traffic(v *VPC, length, rate int) (all []Envelope) {
	for s := range length {
		all = append(all, v.Next(noon.Add(time.Duration(s)*time.Second), rate)...)
	}
	return all
}

// readEnvelope reads an envelope with nothing of this package but its JSON names.
func readEnvelope(t *testing.T, e Envelope) (m message) {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(e.Data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return m
}

// each calls f with the columns of every log event of the data messages.
func each(t *testing.T, all []Envelope, f func(m *message, columns []string)) {
	t.Helper()
	for _, e := range all {
		m := readEnvelope(t, e)
		if m.MessageType != "DATA_MESSAGE" {
			continue
		}
		for _, event := range m.LogEvents {
			columns := strings.Fields(event.Message)
			if len(columns) != 14 {
				t.Fatalf("%d columns: %s", len(columns), event.Message)
			}
			f(&m, columns)
		}
	}
}

func number(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// interfaces is the table of the VPC's interfaces by id.
func (v *VPC) interfaces() map[string]*iface {
	table := map[string]*iface{}
	for _, role := range [][]*iface{v.balancers, v.gateways, v.applications, v.databases, v.idle} {
		for _, f := range role {
			table[f.id] = f
		}
	}
	return table
}

func TestSeedDecidesTheVPC(t *testing.T) {
	a, b, c := NewVPC(1), NewVPC(1), NewVPC(2)
	if diff := cmp.Diff(a.Subnets(), b.Subnets(), cmp.Comparer(func(x, y netip.Prefix) bool { return x == y })); diff != "" {
		t.Error(diff)
	}
	if x, y := traffic(a, 60, 100), traffic(b, 60, 100); !slices.EqualFunc(x, y, func(x, y Envelope) bool {
		return x.Key == y.Key && x.Records == y.Records && bytes.Equal(x.Data, y.Data)
	}) {
		t.Error("one seed, two kinds of traffic")
	}
	if diff := cmp.Diff(a.Truth(), b.Truth()); diff != "" {
		t.Error(diff)
	}
	if a.Subnets()[0].ID == c.Subnets()[0].ID {
		t.Error("two seeds, one VPC")
	}
}

func TestSubnets(t *testing.T) {
	v := NewVPC(1)
	id := regexp.MustCompile(`^(vpc|subnet|eni)-[0-9a-f]{17}$`)
	seen := map[string]bool{}
	unique := func(s string) {
		if seen[s] {
			t.Errorf("%s twice", s)
		}
		seen[s] = true
	}
	subnets := v.Subnets()
	if len(subnets) != 6 || len(v.interfaces()) != 40 {
		t.Errorf("%d subnets, %d interfaces", len(subnets), len(v.interfaces()))
	}
	for i, s := range subnets {
		unique(s.Name)
		unique(s.CIDR)
		unique(s.ID)
		if s.Slot != i || s.AccountID != Account || !id.MatchString(s.ID) || !id.MatchString(s.VPCID) ||
			len(s.Prefixes) != 2 || s.CIDR != s.Prefixes[0].String() || s.Prefixes[1] != s.Prefixes[1].Masked() {
			t.Errorf("subnet %+v", s)
		}
	}
	for _, f := range v.interfaces() {
		unique(f.id)
		for i, text := range f.addr {
			unique(text)
			if a := netip.MustParseAddr(text); a.String() != text || !subnets[f.subnet].Prefixes[i].Contains(a) {
				t.Errorf("%s is not in %v", text, subnets[f.subnet].Prefixes[i])
			}
		}
		if !id.MatchString(f.id) {
			t.Error(f.id)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	v := NewVPC(1)
	ids := map[string]bool{}
	all := traffic(v, 30, 500)
	for i, e := range all {
		m := readEnvelope(t, e)
		if i == 0 {
			if m.MessageType != "CONTROL_MESSAGE" || m.Owner != "CloudwatchLogs" || e.Records != 0 || len(m.LogEvents) != 1 {
				t.Errorf("first message %+v", m)
			}
			continue
		}
		if m.MessageType != "DATA_MESSAGE" || m.Owner != Account || m.LogStream != e.Key || len(m.LogEvents) != e.Records {
			t.Fatalf("envelope %d: %s %s", i, m.MessageType, m.LogStream)
		}
		for _, event := range m.LogEvents {
			columns := strings.Fields(event.Message)
			switch {
			case len(event.ID) != 56 || ids[event.ID]:
				t.Fatalf("id %q", event.ID)
			case columns[2]+"-all" != m.LogStream:
				t.Fatalf("%s in stream %s", event.Message, m.LogStream)
			case columns[10]+"000" != strconv.FormatInt(event.Timestamp, 10):
				t.Fatalf("%s at %d", event.Message, event.Timestamp)
			}
			ids[event.ID] = true
		}
	}
	if mean := float64(len(ids)) / float64(len(all)-1); mean < 5 {
		t.Errorf("%.1f events an envelope", mean)
	}
}

// The real ids grow with the time of the event; this is one of 2016.
func TestEventIDBeginsWithTheTime(t *testing.T) {
	if id := NewVPC(1).eventID(1466330686000); !strings.HasPrefix(id, "32700267005272") {
		t.Error(id)
	}
}

// TestPlausible checks every record by itself.
func TestPlausible(t *testing.T) {
	v := NewVPC(3)
	ours := netip.MustParsePrefix("10.20.0.0/16")
	ours6 := netip.MustParsePrefix("2001:db8:1234:1a00::/56")
	documented := []netip.Prefix{
		ours, netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32"),
	}
	six, pairs := 0, map[string]int{}
	gateways := []string{v.gateways[0].addr[ipv4], v.gateways[1].addr[ipv4]}
	for s := range 60 {
		now := noon.Add(time.Duration(s) * time.Second)
		each(t, v.Next(now, 200), func(_ *message, c []string) {
			start, end := int64(number(t, c[10])), int64(number(t, c[11]))
			if start < now.Unix()-60 || start > now.Unix()-10 || end <= start || end >= now.Unix() {
				t.Fatalf("window %d to %d at %d", start, end, now.Unix())
			}
			if c[13] != "OK" {
				return
			}
			local := 0
			for _, text := range c[3:5] {
				a := netip.MustParseAddr(text)
				if ours.Contains(a) || ours6.Contains(a) {
					local++
				}
				if a.Is6() {
					six++
				}
				if !slices.ContainsFunc(documented, func(p netip.Prefix) bool { return p.Contains(a) }) {
					t.Fatalf("%s is a real address", a)
				}
			}
			packets, size := number(t, c[8]), number(t, c[9])
			if packets == 0 || size < 40*packets || size > 1500*packets {
				t.Fatalf("%d packets of %d bytes", packets, size)
			}
			// An application does not see the address of the gateway that it uses.
			if local == 2 && !slices.Contains(gateways, c[3]) && !slices.Contains(gateways, c[4]) {
				pairs[strings.Join(c[3:], " ")]++
			}
			if local == 0 {
				t.Fatal(c, "is not of this VPC")
			}
		})
	}
	if six == 0 || len(pairs) == 0 {
		t.Errorf("%d IPv6 addresses, %d flows inside", six, len(pairs))
	}
	for pair, n := range pairs {
		if n != 2 {
			t.Fatalf("%s was recorded %d times, not at both ends", pair, n)
		}
	}
}

// TestDirectionsCanBeLearned: the address book knows no interfaces, so every
// envelope must tell which end its interface is.
func TestDirectionsCanBeLearned(t *testing.T) {
	v := NewVPC(4)
	table := v.interfaces()
	local := func(s string) bool {
		return strings.HasPrefix(s, "10.20.") || strings.HasPrefix(s, "2001:db8:1234:")
	}
	all := traffic(v, 90, 100)
	all = append(all, v.Next(noon.Add(2*time.Minute), 40000)...) // and many full ones
	for _, e := range all {
		var common [2][]string // by family, the ends that all records share
		var needed [2]bool     // by family, there are records with two local ends
		each(t, []Envelope{e}, func(_ *message, c []string) {
			if c[13] != "OK" {
				return
			}
			family := ipv4
			if strings.Contains(c[3], ":") {
				family = ipv6
			}
			if common[family] == nil {
				common[family] = slices.Clone(c[3:5])
			}
			needed[family] = needed[family] || local(c[3]) && local(c[4])
			common[family] = slices.DeleteFunc(common[family], func(a string) bool { return !slices.Contains(c[3:5], a) })
		})
		own := table[strings.TrimSuffix(e.Key, "-all")]
		for family, left := range common {
			if needed[family] && (len(left) != 1 || left[0] != own.addr[family]) {
				t.Fatalf("%s %v may be any of %v", e.Key, own.addr, left)
			}
		}
	}
}
