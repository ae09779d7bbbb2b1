package oracle

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// The pools are small, so that addresses, subnets and interfaces meet often.
var (
	cidrs = []string{
		"10.0.0.0/16", "10.0.0.0/24", "10.0.1.0/24", "10.0.1.128/25", "10.1.0.0/24",
		"2001:db8:0:1::/64", "2001:db8:0:2::/64", "2001:db8::/48",
	}
	addresses = []string{
		"10.0.0.5", "10.0.0.9", "10.0.1.7", "10.0.1.200", "10.0.9.9", "10.1.0.4", "198.51.100.7", "203.0.113.20",
		"2001:db8:0:1::5", "2001:db8:0:1::6", "2001:db8:0:2::7", "2001:db8:0:9::9", "2001:db8:ffff::1",
	}
	vpcs       = []string{"", "vpc-a", "vpc-b"}
	accounts   = []string{"", "111111111111", "222222222222"}
	zones      = []string{"", "euw1-az1", "euw1-az2"}
	interfaces = []string{"eni-1", "eni-2", "eni-3", "eni-4"}

	// fields are those that decide where a record counts, and a few that must
	// not: each with the values that it may have beyond "-".
	fields = map[string][]string{
		"version": {"2", "5"}, "account-id": append(accounts[1:], "unknown"), "interface-id": interfaces,
		"srcaddr": addresses, "dstaddr": addresses, "srcport": {"0", "443", "65535"}, "dstport": {"0", "22"},
		"protocol": {"1", "6", "17", "255"}, "packets": {"0", "1", "100", "9007199254740991"},
		"bytes": {"0", "40", "5000", "9007199254740991"}, "start": {"1700000000", "1700000000000"}, "end": {"1700000060"},
		"action": {"ACCEPT", "REJECT"}, "log-status": {"OK", "OK", "OK", "NODATA", "SKIPDATA"},
		"vpc-id": {"vpc-a", "vpc-b", "vpc-c"}, "subnet-id": {"subnet-0", "subnet-1", "subnet-2", "subnet-99"},
		"instance-id": {"i-1"}, "tcp-flags": {"2", "19"}, "type": {"IPv4"}, "pkt-srcaddr": addresses, "pkt-dstaddr": addresses,
		"az-id": zones[1:], "flow-direction": {"ingress", "egress"}, "traffic-path": {"1", "8"},
		"instance-tag": {"a%20b", "eni%2D1", "%7B%22x%22%7D", "%E2%98%83", "OK"}, "ecs-task-id": {"9a30"}, "next-hop-az-id": {"euw1-az2"},
		"encryption-status": {"0", "3"}, "packets-lost-no-route": {"0", "7"}, "packets-lost-blackhole": {"0"},
		"packets-lost-mtu-exceeded": {"0"}, "packets-lost-ttl-expired": {"0"}, "resource-type": {"TransitGateway"},
		"tgw-id": {"tgw-1"}, "tgw-attachment-id": {"tgw-attach-1"}, "tgw-pair-attachment-id": {"tgw-attach-2"},
		"tgw-src-eni": interfaces, "tgw-dst-eni": interfaces, "tgw-src-subnet-id": {"subnet-0", "subnet-3", "subnet-98"},
		"tgw-dst-subnet-id": {"subnet-1", "subnet-2", "subnet-98"}, "tgw-src-vpc-id": {"vpc-a", "vpc-c"}, "tgw-dst-vpc-id": {"vpc-a", "vpc-b"},
		"tgw-src-az-id": zones[1:], "tgw-dst-az-id": zones[1:],
		"tgw-src-vpc-account-id": append(accounts[1:], "unknown"), "tgw-dst-vpc-account-id": append(accounts[1:], "unknown"),
		"region": {"eu-west-1"}, "pkt-src-aws-service": {"S3"}, "pkt-dst-aws-service": {"EC2"},
		"moon-phase": {"full", "NaN", "-1"}, "tide-2": {"low"}, // fields of versions to come
	}
	unknown = []string{"moon-phase", "tide-2"}

	defaultFormat = strings.Fields("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status")
	tgwFormat     = strings.Fields(`version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id
		tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id
		tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status type packets-lost-no-route
		packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service
		pkt-dst-aws-service`)
	junk = []string{"", "x", "NaN", "-1", "+1", "1.5", "1e3", "18446744073709551616", "9007199254740992", "300", "70000", "10.0.0.256", "::g", "accept", "OK ", "sideways"}
)

func fieldNames() []string {
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func pick(t *rapid.T, label string, from []string) string {
	return rapid.SampledFrom(from).Draw(t, label)
}

// chance is true once in n draws.
func chance(t *rapid.T, label string, n int) bool { return rapid.IntRange(1, n).Draw(t, label) == 1 }

// drawBook draws an address book in which ranges of different VPCs overlap.
func drawBook(t *rapid.T) (subnets []Subnet, known []Interface) {
	seen := map[Row]bool{}
	for i := range rapid.IntRange(0, 6).Draw(t, "subnets") {
		s := Subnet{CIDR: pick(t, "cidr", cidrs), VPCID: pick(t, "vpc", vpcs), AZID: pick(t, "az", zones), AccountID: pick(t, "account", accounts)}
		if seen[Row{VPCID: s.VPCID, CIDR: s.CIDR}] {
			continue // a subnet of this identity is there
		}
		seen[Row{VPCID: s.VPCID, CIDR: s.CIDR}] = true
		s.Prefixes = []netip.Prefix{netip.MustParsePrefix(s.CIDR)}
		if !chance(t, "nameless", 4) {
			s.ID = fmt.Sprintf("subnet-%d", i)
		}
		if second := (Row{VPCID: s.VPCID, CIDR: pick(t, "ipv6", cidrs[5:])}); !strings.Contains(s.CIDR, ":") && !seen[second] {
			seen[second] = true // no two subnets of a VPC have one range
			s.Prefixes = append(s.Prefixes, netip.MustParsePrefix(second.CIDR))
		}
		subnets = append(subnets, s)
	}
	for _, id := range interfaces[:2] {
		if len(subnets) == 0 || chance(t, "unknown interface", 2) {
			continue
		}
		home := rapid.SampledFrom(subnets).Draw(t, "home")
		if home.ID == "" || home.VPCID == "" {
			continue // EC2 always says both
		}
		known = append(known, Interface{ID: id, SubnetID: home.ID, VPCID: home.VPCID, Addresses: []netip.Addr{
			netip.MustParseAddr(pick(t, "own", addresses)), netip.MustParseAddr(pick(t, "own too", addresses)),
		}})
	}
	return subnets, known
}

// drawBody draws the lines of one log stream, or a text, in any permutation of
// any fields. Several flow logs may write to one log group.
func drawBody(t *rapid.T) Body {
	b := Body{Formats: [][]string{drawFormat(t)}, Text: chance(t, "text", 4)}
	if !b.Text {
		b.Owner, b.LogStream = pick(t, "owner", accounts), pick(t, "stream", append(interfaces, "other", "eni-", "eni-4-all", "eni-1x"))
		if chance(t, "two flow logs", 6) {
			b.Formats = append(b.Formats, rapid.OneOf(rapid.Permutation(b.Formats[0]), rapid.Custom(drawFormat)).Draw(t, "second"))
		}
	}
	for range rapid.IntRange(0, 8).Draw(t, "lines") {
		b.Lines = append(b.Lines, drawLine(t, rapid.SampledFrom(b.Formats).Draw(t, "format")))
	}
	return b
}

func drawFormat(t *rapid.T) []string {
	switch rapid.IntRange(0, 7).Draw(t, "kind of format") {
	case 0, 1, 2:
		return defaultFormat
	case 3:
		return tgwFormat
	}
	names := rapid.Permutation(fieldNames()).Draw(t, "fields")[:rapid.IntRange(1, len(fields)).Draw(t, "columns")]
	if strange := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !slices.Contains(unknown, n) }); 2*len(strange) > len(names) {
		return []string{"srcaddr"} // too little of it is known for a header
	}
	return names
}

// spell writes a format down in one of the ways that people have.
func spell(t *rapid.T, format []string) string {
	words := slices.Clone(format)
	braces, underscores := chance(t, "braces", 2), chance(t, "underscores", 3)
	for i, w := range words {
		if underscores {
			w = strings.ReplaceAll(w, "-", "_")
		}
		if braces {
			w = "${" + w + "}"
		}
		words[i] = w
	}
	return strings.Join(words, pick(t, "separator", []string{" ", ",", ", ", "  "}))
}

func drawLine(t *rapid.T, format []string) string {
	if chance(t, "no line at all", 30) {
		return pick(t, "junk line", []string{"bogus line", "", "{}", "- -", strings.Repeat("- ", 60)})
	}
	var values []string
	for _, name := range format {
		v := pick(t, name, fields[name])
		switch luck := rapid.IntRange(0, 150).Draw(t, "luck"); {
		case luck == 150:
			v = pick(t, "junk value", junk)
		case luck > 137:
			v = "-"
		}
		values = append(values, v)
	}
	if chance(t, "nodata line", 12) {
		for i, name := range format {
			if slices.Contains([]string{"srcaddr", "dstaddr", "packets", "bytes", "action"}, name) {
				values[i] = "-"
			}
		}
	}
	return strings.Join(values, pick(t, "blank", []string{" ", " ", " ", "  "}))
}
