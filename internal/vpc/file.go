package vpc

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// maxFile bounds the subnet file; 50,000 full lines need 8 MiB.
const maxFile = 64 << 20

// File loads the subnets from a file, without AWS. It is read anew at each
// load. A File is safe for concurrent use.
type File struct{ Path string }

// Load reads the file as [ParseSubnets] says. There are no interfaces in it.
func (f File) Load(context.Context) ([]flow.Subnet, []Interface, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the subnets: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the subnets: %w", err)
	}
	if len(text) > maxFile {
		return nil, nil, fmt.Errorf("cannot read the subnets: %s is larger than %d MiB", f.Path, maxFile>>20)
	}
	subnets, err := ParseSubnets(f.Path, text)
	return subnets, nil, err
}

// ParseSubnets reads a list of subnets, one on a line: a CIDR, optionally
// followed by subnet_id= vpc_id= az_id= account_id= name=. A value with blanks
// stands in double quotes. A # begins a comment. Lines with one subnet_id are
// one subnet: its IPv4 range and its IPv6 ranges.
//
// The error joins all that is wrong, each with the name, the line and a remedy;
// there are no subnets then.
func ParseSubnets(name string, text []byte) ([]flow.Subnet, error) {
	var lines []line
	var wrong []complaint
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	number := 0
	for row := range bytes.Lines(text) {
		number++
		l, ok, err := parseLine(row)
		if err != nil {
			wrong = append(wrong, complaint{number, err})
		} else if ok {
			l.number = number
			lines = append(lines, l)
		}
	}
	subnets, more := join(lines)
	if wrong = append(wrong, more...); len(wrong) == 0 {
		return subnets, nil
	}
	slices.SortStableFunc(wrong, func(a, b complaint) int { return cmp.Compare(a.line, b.line) })
	var all error
	for _, w := range wrong {
		all = errors.Join(all, fmt.Errorf("%s:%d: %w", name, w.line, w.err))
	}
	return nil, all
}

// complaint is what is wrong with a line.
type complaint struct {
	line int
	err  error
}

// join makes subnets of the lines, in the order of their first lines.
func join(lines []line) (subnets []flow.Subnet, wrong []complaint) {
	byID := make(map[string]int)        // index into subnets
	of := make([]int, len(lines))       // the subnet of each line
	first := make([]int, 0, len(lines)) // the number of each subnet's first line
	for n, l := range lines {
		i, again := byID[l.subnet.ID]
		if l.subnet.ID == "" || !again {
			i = len(subnets)
			byID[l.subnet.ID] = i
			subnets, first = append(subnets, l.subnet), append(first, l.number)
		} else if err := unite(&subnets[i], &l.subnet); err != nil {
			wrong = append(wrong, complaint{l.number, fmt.Errorf("%w (line %d)", err, first[i])})
		}
		of[n] = i
	}
	wrong = append(wrong, repeated(lines, func(n int) string { return subnets[of[n]].VPCID })...)
	for i := range subnets {
		subnets[i].Prefixes = masked(subnets[i].Prefixes)
		subnets[i].CIDR = label(subnets[i].Prefixes)
	}
	return subnets, wrong
}

// repeated complains about lines of the same range in the same VPC.
func repeated(lines []line, vpcID func(n int) string) (wrong []complaint) {
	seen := make(map[flow.Key]int)
	for n, l := range lines {
		key := flow.Key{VPCID: vpcID(n), CIDR: l.subnet.CIDR}
		if before := seen[key]; before != 0 {
			wrong = append(wrong, complaint{l.number, fmt.Errorf("%s is already on line %d; remove one of them, or give each its vpc_id=", key.CIDR, before)})
			continue
		}
		seen[key] = l.number
	}
	return wrong
}

// unite adds a further line of the subnet s to it. A range that s has already
// is left to the search for repeated lines.
func unite(s, more *flow.Subnet) error {
	p := more.Prefixes[0]
	if !slices.Contains(s.Prefixes, p) {
		if isIPv4(p) && slices.ContainsFunc(s.Prefixes, isIPv4) {
			return fmt.Errorf("subnet %s has a second IPv4 range; a subnet has one: correct the range or subnet_id=", s.ID)
		}
		s.Prefixes = append(s.Prefixes, p)
	}
	for _, f := range fields {
		a, b := f.value(s), f.value(more)
		if *a != "" && *b != "" && *a != *b {
			return fmt.Errorf("subnet %s has %s=%q and %s=%q; give it one", s.ID, f.name, *a, f.name, *b)
		}
		*a = cmp.Or(*a, *b)
	}
	return nil
}
