package vpc

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// line is one line of the subnet file.
type line struct {
	number int
	subnet flow.Subnet // of one prefix, which is also its CIDR
}

// fields are the keys that may follow the CIDR.
var fields = []struct {
	name  string
	value func(*flow.Subnet) *string
}{
	{"subnet_id", func(s *flow.Subnet) *string { return &s.ID }},
	{"vpc_id", func(s *flow.Subnet) *string { return &s.VPCID }},
	{"az_id", func(s *flow.Subnet) *string { return &s.AZID }},
	{"account_id", func(s *flow.Subnet) *string { return &s.AccountID }},
	{"name", func(s *flow.Subnet) *string { return &s.Name }},
}

const fieldNames = "subnet_id, vpc_id, az_id, account_id, name"

// parseLine reads a line; ok is false if nothing but a comment is on it.
func parseLine(row []byte) (l line, ok bool, err error) {
	if !utf8.Valid(row) {
		return l, false, errors.New("the line is not UTF-8; save the file as UTF-8 text")
	}
	text := strings.TrimSpace(string(row))
	for _, r := range text {
		if unicode.IsControl(r) && r != '\t' {
			return l, false, fmt.Errorf("the line has the control character %U; remove it", r)
		}
	}
	text = unindent(text)
	if text == "" {
		return l, false, nil
	}
	end := strings.IndexAny(text, " \t#")
	if end < 0 {
		end = len(text)
	}
	prefix, err := parseCIDR(text[:end])
	if err != nil {
		return l, false, err
	}
	l.subnet.Prefixes = []netip.Prefix{prefix}
	l.subnet.CIDR = prefix.String()
	return l, true, parseFields(text[end:], &l.subnet)
}

// unindent removes leading blanks, and the line if it is a comment.
func unindent(text string) string {
	text = strings.TrimLeft(text, " \t")
	if strings.HasPrefix(text, "#") {
		return ""
	}
	return text
}

func parseCIDR(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if addr, e := netip.ParseAddr(text); e == nil && addr.Zone() == "" {
		return p, fmt.Errorf("%q is an address, not a CIDR; for this one address write %s/%d", text, addr, addr.BitLen())
	}
	switch {
	case err != nil:
		return p, fmt.Errorf("%.60q is no CIDR; write one as 10.0.0.0/24 or 2001:db8::/64", text)
	case p.Addr().Is4In6():
		return p, fmt.Errorf("%q is IPv4 written as IPv6; write it as 10.0.0.0/24", text)
	case p != p.Masked():
		return p, fmt.Errorf("%q has host bits set; did you mean %s?", text, p.Masked())
	}
	return p, nil
}

// parseFields reads key=value pairs up to the end or a comment.
func parseFields(text string, s *flow.Subnet) error {
	seen := make(map[string]bool)
	for {
		if text = unindent(text); text == "" {
			return nil
		}
		key, rest, found := strings.Cut(text, "=")
		if i := strings.IndexAny(key, " \t#"); !found || i >= 0 {
			word := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' || r == '#' })[0]
			return fmt.Errorf("%.60q is no key=value; after the CIDR come %s, and names with blanks stand in double quotes", word, fieldNames)
		}
		value, err := field(s, key)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("%s= stands twice; remove one", key)
		}
		seen[key] = true
		if *value, text, err = parseValue(key, rest); err != nil {
			return err
		}
	}
}

func field(s *flow.Subnet, key string) (*string, error) {
	for _, f := range fields {
		if f.name == key {
			return f.value(s), nil
		}
	}
	return nil, fmt.Errorf("unknown key %.60q; known are %s", key, fieldNames)
}

// parseValue reads a value and returns what follows it.
func parseValue(key, text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, " \t#")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], nil
	}
	value, rest, found := strings.Cut(text[1:], `"`)
	if !found {
		return "", "", fmt.Errorf(`%s= has no closing "; add it`, key)
	}
	if rest != "" && !strings.ContainsAny(rest[:1], " \t#") {
		return "", "", fmt.Errorf(`after %s="%s" stands %.20q; put a blank between them`, key, value, rest)
	}
	return value, rest, nil
}

func isIPv4(p netip.Prefix) bool { return p.Addr().Is4() }
