package vpc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

var byPrefixText = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func TestParseSubnets(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []flow.Subnet
	}{
		{"nothing", "", nil},
		{"comments and blank lines", "# subnets\n\n   # more\n\t\n", nil},
		{"a CIDR", "10.0.0.0/24", []flow.Subnet{subnet("10.0.0.0/24", "", "")}},
		{"Windows line ends and a byte order mark", "\xef\xbb\xbf10.0.0.0/24\r\n10.0.1.0/24 vpc_id=vpc-1\r\n", []flow.Subnet{subnet("10.0.0.0/24", "", ""), subnet("10.0.1.0/24", "", "vpc-1")}},
		{"all keys in any order, a comment behind", "  10.0.0.0/24\tname=\"web front # 1\" az_id=az1  subnet_id=subnet-1 account_id=111 vpc_id=vpc-1# comment\n",
			[]flow.Subnet{{CIDR: "10.0.0.0/24", Prefixes: prefixes("10.0.0.0/24"), ID: "subnet-1", VPCID: "vpc-1", AZID: "az1", AccountID: "111", Name: "web front # 1"}}},
		{"empty values", "10.0.0.0/24 name= vpc_id=\"\"", []flow.Subnet{subnet("10.0.0.0/24", "", "")}},
		{"both families of one subnet", "2001:db8::/64 subnet_id=subnet-1 name=a\n10.0.0.0/24 subnet_id=subnet-1 vpc_id=vpc-1\n2001:db8:0:1::/64 subnet_id=subnet-1",
			[]flow.Subnet{{CIDR: "10.0.0.0/24", Prefixes: prefixes("10.0.0.0/24", "2001:db8::/64", "2001:db8:0:1::/64"), ID: "subnet-1", VPCID: "vpc-1", Name: "a"}}},
		{"IPv6 only, written long", "2001:0DB8:0::/64 vpc_id=vpc-1", []flow.Subnet{subnet("2001:db8::/64", "", "vpc-1")}},
		{"one range in two VPCs and in none", "10.0.0.0/24 vpc_id=vpc-1\n10.0.0.0/24 vpc_id=vpc-2\n10.0.0.0/24",
			[]flow.Subnet{subnet("10.0.0.0/24", "", "vpc-1"), subnet("10.0.0.0/24", "", "vpc-2"), subnet("10.0.0.0/24", "", "")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseSubnets("subnets.txt", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got, byPrefixText, cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
		})
	}
}

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func TestParseSubnetsErrors(t *testing.T) {
	const keys = "subnet_id, vpc_id, az_id, account_id, name"
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"host bits", "10.0.0.5/24", []string{`subnets.txt:1: "10.0.0.5/24" has host bits set; did you mean 10.0.0.0/24?`}},
		{"host bits, IPv6", "2001:db8::1/64", []string{`subnets.txt:1: "2001:db8::1/64" has host bits set; did you mean 2001:db8::/64?`}},
		{"address", "10.0.0.5", []string{`subnets.txt:1: "10.0.0.5" is an address, not a CIDR; for this one address write 10.0.0.5/32`}},
		{"no CIDR", "vpc_id=vpc-1 10.0.0.0/24", []string{`subnets.txt:1: "vpc_id=vpc-1" is no CIDR; write one as 10.0.0.0/24 or 2001:db8::/64`}},
		{"bits beyond the address", "10.0.0.0/33", []string{`subnets.txt:1: "10.0.0.0/33" is no CIDR; write one as 10.0.0.0/24 or 2001:db8::/64`}},
		{"IPv4 as IPv6", "::ffff:10.0.0.0/120", []string{`subnets.txt:1: "::ffff:10.0.0.0/120" is IPv4 written as IPv6; write it as 10.0.0.0/24`}},
		{"unknown key", "10.0.0.0/24 vpc=vpc-1", []string{`subnets.txt:1: unknown key "vpc"; known are ` + keys}},
		{"no key", "10.0.0.0/24 name=a b", []string{`subnets.txt:1: "b" is no key=value; after the CIDR come ` + keys + `, and names with blanks stand in double quotes`}},
		{"no key before a comment", "10.0.0.0/24 web#name=a", []string{`subnets.txt:1: "web" is no key=value; after the CIDR come ` + keys + `, and names with blanks stand in double quotes`}},
		{"key twice", "10.0.0.0/24 name=a name=b", []string{`subnets.txt:1: name= stands twice; remove one`}},
		{"open quote", `10.0.0.0/24 name="a b`, []string{`subnets.txt:1: name= has no closing "; add it`}},
		{"text behind a quote", `10.0.0.0/24 name="a"b`, []string{`subnets.txt:1: after name="a" stands "b"; put a blank between them`}},
		{"no text", "10.0.0.0/24 name=\xff", []string{`subnets.txt:1: the line is not UTF-8; save the file as UTF-8 text`}},
		{"control character", "10.0.0.0/24 name=\"a\x00b\"", []string{`subnets.txt:1: the line has the control character U+0000; remove it`}},
		{"duplicate", "10.0.0.0/24\n\n10.0.0.0/24 name=a", []string{`subnets.txt:3: 10.0.0.0/24 is already on line 1; remove one of them, or give each its vpc_id=`}},
		{"duplicate by a shared subnet", "2001:db8::/64 subnet_id=s\n10.0.0.0/24 subnet_id=s vpc_id=v\n2001:db8::/64 vpc_id=v", []string{`subnets.txt:3: 2001:db8::/64 is already on line 1; remove one of them, or give each its vpc_id=`}},
		{"second IPv4 range", "10.0.0.0/24 subnet_id=s\n10.0.1.0/24 subnet_id=s", []string{`subnets.txt:2: subnet s has a second IPv4 range; a subnet has one: correct the range or subnet_id= (line 1)`}},
		{"two VPCs of one subnet", "10.0.0.0/24 subnet_id=s vpc_id=a\n2001:db8::/64 subnet_id=s vpc_id=b", []string{`subnets.txt:2: subnet s has vpc_id="a" and vpc_id="b"; give it one (line 1)`}},
		{"all errors, in the order of the lines", "10.0.0.0/24\n10.0.0.0/24\n10.0.0.1/8\n10.0.0.0/24\n!", []string{
			`subnets.txt:2: 10.0.0.0/24 is already on line 1; remove one of them, or give each its vpc_id=`,
			`subnets.txt:3: "10.0.0.1/8" has host bits set; did you mean 10.0.0.0/8?`,
			`subnets.txt:4: 10.0.0.0/24 is already on line 1; remove one of them, or give each its vpc_id=`,
			`subnets.txt:5: "!" is no CIDR; write one as 10.0.0.0/24 or 2001:db8::/64`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseSubnets("subnets.txt", []byte(c.text))
			if err == nil || got != nil {
				t.Fatalf("got %v and error %v, want an error alone", got, err)
			}
			if d := cmp.Diff(strings.Join(c.want, "\n"), err.Error()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFileIsReadAnew(t *testing.T) {
	f := File{Path: filepath.Join(t.TempDir(), "subnets.txt")}
	if _, _, err := f.Load(context.Background()); err == nil || !strings.Contains(err.Error(), f.Path) {
		t.Errorf("a file that is not there: %v", err)
	}
	for n := 1; n <= 2; n++ {
		text := strings.Repeat("#\n", n)
		for i := range n {
			text += fmt.Sprintf("10.0.%d.0/24\n", i)
		}
		if err := os.WriteFile(f.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		subnets, interfaces, err := f.Load(context.Background())
		if err != nil || len(subnets) != n || interfaces != nil {
			t.Errorf("load %d: %v, %v, %v", n, subnets, interfaces, err)
		}
	}
}

// FuzzParseSubnets: any text gives an error or a list that makes a table in
// which every subnet is found at its own prefixes.
func FuzzParseSubnets(f *testing.F) {
	for _, seed := range []string{
		"10.0.0.0/24", "10.0.0.0/24 subnet_id=s vpc_id=v az_id=a account_id=1 name=\"a b\" # c", "2001:db8::/64 subnet_id=s\n10.0.0.0/24 subnet_id=s",
		"10.0.0.1/24\n10.0.0.0/24\n10.0.0.0/24", "::ffff:10.0.0.0/120", "0.0.0.0/0 name=\"", "\xef\xbb\xbf#", "fe80::%1/64", "10.0.0.0/24 =x", "10.0.0.0/24#",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		subnets, err := ParseSubnets("f", text)
		if err != nil {
			if subnets != nil || !strings.HasPrefix(err.Error(), "f:") {
				t.Fatalf("%v with %q", subnets, err)
			}
			return
		}
		if n := len(NewTable(subnets, nil).Subnets()); n != len(subnets) {
			t.Fatalf("%d subnets of %d have keys of their own", n, len(subnets))
		}
		for _, s := range subnets {
			if len(s.Prefixes) == 0 || s.CIDR != s.Prefixes[0].String() {
				t.Fatalf("subnet %+v", s)
			}
			for _, p := range s.Prefixes {
				if p != p.Masked() || !p.IsValid() {
					t.Fatalf("prefix %v", p)
				}
			}
		}
	})
}
