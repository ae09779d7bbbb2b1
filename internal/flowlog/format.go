package flowlog

import (
	"errors"
	"fmt"
	"strings"
)

// MaxColumns is how many columns a format may have. AWS has 72 fields in all.
const MaxColumns = 128

// ErrFormat is in the chain of every error that ParseFormat returns.
var ErrFormat = errors.New("bad flow log format")

// Format is the order of the columns in a flow log line, ready to parse with.
// It is immutable and safe for concurrent use.
type Format struct {
	text    string
	columns []column
	// plan is the first step of quick.
	plan *step
	// opens says that lines begin as those of the default format do, and behind
	// is the step behind that; nil where the line ends there.
	opens  bool
	behind *step
	// status is the index of the log-status column, -1 without one.
	status int
	// vitals is how many columns say whether there was traffic.
	vitals int
	// ends are the columns of the two attachments of a transit gateway
	// record, the source's first; empty in other formats.
	ends [2][]endColumn
	// attached says that there are such columns.
	attached bool
	unknown  []string
}

// column is one step of the plan that a format is compiled to.
type column struct {
	op    op
	set   setter // nil: the value is not kept
	vital bool
	// limit is the largest value of a number.
	limit uint64
}

// endColumn is a column that is kept when the record was made at its end.
type endColumn struct {
	index int
	set   setter
}

// Default is the format of a flow log for which none was chosen (version 2):
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
var Default = mustFormat(`version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes
	start end action log-status`)

// TransitGateway is the format of a transit gateway flow log for which none was
// chosen (version 6): https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
var TransitGateway = mustFormat(`version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id
	tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni
	tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end
	log-status type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired
	tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service`)

// ParseFormat compiles a format that is written down as AWS shows it
// ("${account-id} ${srcaddr}"), as the header line of an S3 object has it
// ("account-id srcaddr") or as Athena does ("account_id, srcaddr"): fields are
// separated by blanks, commas or both.
//
// A field that is not known is a column that is skipped; see Unknown. The error
// says which column is wrong: a format must have one known field at least,
// MaxColumns columns at most, and no field twice.
func ParseFormat(s string) (*Format, error) {
	names := strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(" \t\r\n,", c) })
	if len(names) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrFormat)
	}
	if len(names) > MaxColumns {
		return nil, fmt.Errorf("%w: it has %d columns, at most %d are allowed", ErrFormat, len(names), MaxColumns)
	}
	f := &Format{status: -1}
	seen := make(map[string]int, len(names))
	for i, written := range names {
		name, ok := fieldName(written)
		if !ok {
			return nil, fmt.Errorf("%w: column %d, %.40q, is no field name", ErrFormat, i+1, written)
		}
		if first, ok := seen[name]; ok {
			return nil, fmt.Errorf("%w: %s stands in column %d and again in column %d", ErrFormat, name, first+1, i+1)
		}
		seen[name] = i
		f.add(name)
	}
	if len(f.unknown) == len(f.columns) {
		return nil, fmt.Errorf("%w: none of its fields is known (the first is %.40q)", ErrFormat, names[0])
	}
	f.findEnds(seen)
	f.plan = f.steps()
	f.behind, f.opens = f.opening()
	f.text = "${" + strings.Join(orderedNames(seen), "} ${") + "}"
	return f, nil
}

// add appends the column of a field.
func (f *Format) add(name string) {
	row, known := fieldByName[name]
	if !known {
		f.unknown = append(f.unknown, name)
		f.columns = append(f.columns, column{op: opSkip})
		return
	}
	if name == logStatus {
		f.status = len(f.columns)
	}
	if vital[name] {
		f.vitals++
	}
	c := column{op: row.op, set: row.set, vital: vital[name]}
	if c.op < numNumbers {
		c.limit = limits[c.op]
	}
	f.columns = append(f.columns, c)
}

// findEnds notes where the columns of the transit gateway attachments stand.
func (f *Format) findEnds(at map[string]int) {
	for side := range ends {
		for _, e := range ends[side] {
			if i, ok := at[e.column]; ok {
				f.ends[side] = append(f.ends[side], endColumn{i, e.set})
				f.attached = true
			}
		}
	}
}

// Columns returns how many columns a line of the format has.
func (f *Format) Columns() int { return len(f.columns) }

// String returns the format as AWS writes it: "${version} ${account-id} …".
func (f *Format) String() string { return f.text }

// Unknown returns the fields of the format that this program does not know, in
// their order. Their columns are skipped.
func (f *Format) Unknown() []string { return append([]string(nil), f.unknown...) }

// fieldName takes off the "${}" and writes hyphens for underscores; false when
// what is left cannot be the name of a field.
func fieldName(written string) (string, bool) {
	name := written
	if inner, ok := strings.CutPrefix(name, "${"); ok {
		if name, ok = strings.CutSuffix(inner, "}"); !ok {
			return "", false
		}
	}
	for i := range len(name) {
		c := name[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || c != '-' && c != '_' && (c < '0' || c > '9')) {
			return "", false
		}
	}
	return strings.ReplaceAll(name, "_", "-"), name != ""
}

// orderedNames returns the keys by their column.
func orderedNames(at map[string]int) []string {
	names := make([]string, len(at))
	for name, i := range at {
		names[i] = name
	}
	return names
}

// mustFormat compiles a format of this package. It panics when that is wrong.
func mustFormat(s string) *Format {
	f, err := ParseFormat(s)
	if err != nil {
		panic(err)
	}
	return f
}
