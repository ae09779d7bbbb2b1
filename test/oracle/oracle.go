// Package oracle counts flow logs slowly and plainly: strings.Fields, maps and
// slices of prefixes. It shares no code with the way that it judges; the rules
// it follows are those of docs/placing.md.
package oracle

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Subnet is a subnet of the address book.
type Subnet struct {
	CIDR                       string // the label
	Prefixes                   []netip.Prefix
	ID, VPCID, AZID, AccountID string
}

// Interface is a network interface of the address book.
type Interface struct {
	ID, SubnetID, VPCID string
	Addresses           []netip.Addr
}

// Body is what one message holds: the lines of one log stream, or of a text.
type Body struct {
	Owner, LogStream string
	// Formats are those of the flow logs that write to the log group, in the
	// order in which they are tried. A text has one, in its header line.
	Formats [][]string
	Text    bool
	Lines   []string
}

// Row is one row of the totals.
type Row struct {
	VPCID, CIDR string
	Egress      bool
	Denied      bool
}

// Amount is what a row adds up to.
type Amount struct{ Bytes, Packets, Flows uint64 }

// Counter is the slow counter. Its zero value with an address book is ready.
type Counter struct {
	Subnets    []Subnet
	Interfaces []Interface

	Rows                                   map[Row]Amount
	Records, Counted, Unmatched, Ambiguous uint64
	Skipped                                map[string]uint64

	learned map[string]*knowledge // by interface and family
}

// knowledge is what all records of one interface and family had in common.
type knowledge struct{ common []netip.Addr }

// record is a line by field name; absent fields are absent.
type record struct {
	text     map[string]string
	src, dst netip.Addr
	packets  uint64
	bytes    uint64
}

// Count adds a body.
func (c *Counter) Count(b Body) {
	if c.Rows == nil {
		c.Rows, c.Skipped, c.learned = map[Row]Amount{}, map[string]uint64{}, map[string]*knowledge{}
	}
	var records []record
	for _, line := range b.Lines {
		if b.Text && strings.TrimSpace(line) == "" {
			continue // no line at all
		}
		c.Records++
		r, reason := parse(b, line)
		if reason != "" {
			c.Skipped[reason]++
			continue
		}
		records = append(records, r)
	}
	for _, r := range records {
		c.learn(r)
	}
	for _, r := range records {
		c.place(r)
	}
}

// parse reads a line in the first format that it fits; reason says why it is no
// record.
func parse(b Body, line string) (r record, reason string) {
	reason = "format"
	if strings.HasPrefix(line, "{") && !b.Text {
		return r, reason // JSON is no line
	}
	for _, fields := range b.Formats {
		got, why := parseAs(b, fields, strings.Fields(line))
		if why != "format" && why != "malformed" {
			return got, why
		}
		if why == "malformed" {
			reason = why
		}
	}
	return record{}, reason
}

// parseAs reads the values of a line in one format.
func parseAs(b Body, fields, values []string) (r record, reason string) {
	if len(values) != len(fields) {
		return r, "format"
	}
	r.text = map[string]string{}
	for i, name := range fields {
		if values[i] != "-" {
			r.text[name] = values[i]
		}
	}
	if !r.check() {
		return r, "malformed"
	}
	if reason := status(fields, r.text); reason != "" {
		return r, reason
	}
	if r.text["account-id"] == "unknown" {
		delete(r.text, "account-id")
	}
	r.attach()
	if r.text["account-id"] == "" && b.Owner != "" {
		r.text["account-id"] = b.Owner
	}
	if id, ok := strings.CutPrefix(b.LogStream, "eni-"); ok && r.text["interface-id"] == "" {
		id, _, _ = strings.Cut(id, "-")
		if id != "" && strings.Trim(id, "0123456789abcdefABCDEF") == "" {
			r.text["interface-id"] = "eni-" + id
		}
	}
	return r, ""
}

// attach gives a transit gateway record the attachment at which it was made:
// traffic enters the gateway at the source's, and leaves it at the destination's.
func (r *record) attach() {
	side := map[string]string{"ingress": "tgw-src-", "egress": "tgw-dst-"}[r.text["flow-direction"]]
	for name, column := range map[string]string{
		"interface-id": "eni", "subnet-id": "subnet-id", "vpc-id": "vpc-id", "az-id": "az-id", "account-id": "vpc-account-id",
	} {
		if v := r.text[side+column]; side != "" && v != "" && !(name == "account-id" && v == "unknown") {
			r.text[name] = v
		}
	}
}

// status returns nodata or skipdata, or nothing for a line with a flow.
func status(fields []string, text map[string]string) string {
	if text["log-status"] != "" {
		return map[string]string{"NODATA": "nodata", "SKIPDATA": "skipdata"}[text["log-status"]]
	}
	tells := false
	for _, name := range []string{"srcaddr", "dstaddr", "packets", "bytes"} {
		if slices.Contains(fields, name) {
			tells = true
			if text[name] != "" {
				return ""
			}
		}
	}
	if tells {
		return "nodata"
	}
	return ""
}

// bits are the widths of the numbers that are read.
var bits = map[string]int{
	"srcport": 16, "dstport": 16, "protocol": 8, "packets": 53, "bytes": 53, "start": 63, "end": 63,
	"version": 64, "tcp-flags": 8, "traffic-path": 8, "encryption-status": 64, "packets-lost-no-route": 64,
	"packets-lost-blackhole": 64, "packets-lost-mtu-exceeded": 64, "packets-lost-ttl-expired": 64,
}

// words are the values that a field may have.
var words = map[string][]string{
	"action": {"ACCEPT", "REJECT"}, "log-status": {"OK", "NODATA", "SKIPDATA"}, "flow-direction": {"ingress", "egress"},
}

// check reports whether every value is possible, and reads the numbers and
// addresses that are counted with.
func (r *record) check() bool {
	for name, v := range r.text {
		if w, ok := bits[name]; ok {
			if strings.ContainsAny(v, "+-_") {
				return false
			}
			n, err := strconv.ParseUint(v, 10, w)
			if err != nil || (name == "start" || name == "end") && n > 100_000_000_000_000 { // year 5138, in ms
				return false
			}
		}
		if w, ok := words[name]; ok && !slices.Contains(w, v) {
			return false
		}
		if name == "srcaddr" || name == "dstaddr" || name == "pkt-srcaddr" || name == "pkt-dstaddr" {
			if a, err := netip.ParseAddr(v); err != nil || a.Zone() != "" {
				return false
			}
		}
	}
	r.packets, _ = strconv.ParseUint(r.text["packets"], 10, 64)
	r.bytes, _ = strconv.ParseUint(r.text["bytes"], 10, 64)
	if a, err := netip.ParseAddr(r.text["srcaddr"]); err == nil {
		r.src = a.Unmap()
	}
	if a, err := netip.ParseAddr(r.text["dstaddr"]); err == nil {
		r.dst = a.Unmap()
	}
	return true
}
