// Package reference counts flow logs in the straightforward way: gzip,
// encoding/json, strings.Fields, netip, a prefix table, a map of counters. It is
// what a good engineer writes in an hour, and no straw man: the decompressor is
// klauspost's and is used again, the table is the one that the product uses.
// Benchmarks divide by it. It knows only the default format, and fewer rules of
// placing than the product: its totals are not the product's.
package reference

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"github.com/gaissmai/bart"
	"github.com/klauspost/compress/gzip"
)

// Counter counts per subnet and direction. It is not safe for concurrent use.
type Counter struct {
	Totals map[Key]*Amount
	// Skipped counts the lines without a flow, Unmatched those of no subnet.
	Skipped, Unmatched uint64

	subnets bart.Table[netip.Prefix]
	unzip   gzip.Reader
	text    bytes.Buffer
}

// Key is a row of the totals.
type Key struct {
	Subnet           netip.Prefix
	Egress, Rejected bool
}

// Amount is what a row adds up to.
type Amount struct{ Bytes, Packets, Flows uint64 }

// New returns a counter of these subnets.
func New(subnets []netip.Prefix) *Counter {
	c := &Counter{Totals: make(map[Key]*Amount)}
	for _, p := range subnets {
		c.subnets.Insert(p, p)
	}
	return c
}

// envelope is a message of a CloudWatch Logs subscription.
type envelope struct {
	MessageType string `json:"messageType"`
	LogEvents   []struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	} `json:"logEvents"`
}

// Count adds one data record of Kinesis. Lines that cannot be read are skipped.
func (c *Counter) Count(data []byte) error {
	if err := c.unzip.Reset(bytes.NewReader(data)); err != nil {
		return err
	}
	c.text.Reset()
	if _, err := io.Copy(&c.text, &c.unzip); err != nil {
		return err
	}
	var e envelope
	if err := json.Unmarshal(c.text.Bytes(), &e); err != nil {
		return err
	}
	for i := range e.LogEvents {
		c.line(e.LogEvents[i].Message)
	}
	return nil
}

// line counts one line of the default format for the end that is in a subnet,
// the source first.
func (c *Counter) line(line string) {
	fields := strings.Fields(line)
	if len(fields) != 14 || fields[13] != "OK" {
		c.Skipped++
		return
	}
	src, err1 := netip.ParseAddr(fields[3])
	dst, err2 := netip.ParseAddr(fields[4])
	packets, err3 := strconv.ParseUint(fields[8], 10, 64)
	size, err4 := strconv.ParseUint(fields[9], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		c.Skipped++
		return
	}
	subnet, egress := c.subnets.Lookup(src)
	if !egress {
		var ingress bool
		if subnet, ingress = c.subnets.Lookup(dst); !ingress {
			c.Unmatched++
			return
		}
	}
	c.add(Key{subnet, egress, fields[12] == "REJECT"}, packets, size)
}

func (c *Counter) add(key Key, packets, size uint64) {
	sum := c.Totals[key]
	if sum == nil {
		sum = &Amount{}
		c.Totals[key] = sum
	}
	sum.Flows++
	sum.Packets += packets
	sum.Bytes += size
}

// Flows returns how many flows were counted.
func (c *Counter) Flows() (n uint64) {
	for _, sum := range c.Totals {
		n += sum.Flows
	}
	return n
}
