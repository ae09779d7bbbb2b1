// Package traffic counts flows, packets and bytes per subnet: what entered,
// what left, and what was denied in either direction.
package traffic

import (
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// amount is what one counter row adds up.
type amount struct{ bytes, packets, flows uint64 }

// counts are the totals of one subnet.
type counts [numClasses]amount

// class is the row of the totals that a record belongs to.
type class uint8

const (
	received class = iota
	sent
	deniedIngress
	deniedEgress
	numClasses
)

// classOf returns the row of a placed record. Whatever did not leave, entered:
// the address book gives every placed record a direction.
func classOf(r *flow.Record) class {
	c := received
	if r.Direction == flow.Egress {
		c = sent
	}
	if r.Rejected() {
		c += deniedIngress
	}
	return c
}

func (a *amount) add(b amount) {
	a.bytes += b.bytes
	a.packets += b.packets
	a.flows += b.flows
}

// Totals are the counters of all known subnets. They have no lock of their own:
// SetSubnets, Apply of a tally and Collect run under the ledger's.
type Totals struct {
	rows  []row
	byKey map[flow.Key]int
	now   func() time.Time
}

type row struct {
	subnet  *flow.Subnet
	counts  counts
	created time.Time
}

// New returns totals without subnets.
func New() *Totals {
	return &Totals{byKey: map[flow.Key]int{}, now: time.Now}
}

// SetSubnets makes subnets, ordered by slot, the ones that totals are kept for.
// New ones start at 0, known ones continue, those that left are forgotten.
func (t *Totals) SetSubnets(subnets []*flow.Subnet) {
	rows := make([]row, len(subnets))
	byKey := make(map[flow.Key]int, len(subnets))
	now := t.now()
	for slot, s := range subnets {
		rows[slot] = row{subnet: s, created: now}
		if old, ok := t.byKey[s.Key()]; ok {
			rows[slot].counts, rows[slot].created = t.rows[old].counts, t.rows[old].created
		}
		byKey[s.Key()] = slot
	}
	t.rows, t.byKey = rows, byKey
}

// find returns the row of a subnet, which may come from an earlier list than
// the current one; nil when the subnet has left.
func (t *Totals) find(s *flow.Subnet) *row {
	if s.Slot < len(t.rows) && t.rows[s.Slot].subnet == s {
		return &t.rows[s.Slot]
	}
	if slot, ok := t.byKey[s.Key()]; ok {
		return &t.rows[slot]
	}
	return nil
}

// Tally returns an empty tally, the counters of one body on its way.
func (t *Totals) Tally() *Tally { return &Tally{totals: t} }

// Tally adds up one body. It belongs to one worker; only Apply meets the totals.
type Tally struct {
	totals  *Totals
	counts  []counts // by slot of the address book that placed the body
	touched []*flow.Subnet
}

// Observe adds the placed records among records; all of one body must have been
// placed by one state of the address book. The slice is not kept.
func (t *Tally) Observe(records []flow.Record) {
	for i := range records {
		r := &records[i]
		if r.Subnet == nil {
			continue
		}
		c := t.of(r.Subnet)
		c[classOf(r)].add(amount{r.Bytes, r.Packets, 1})
	}
}

// of returns the counts of a subnet. A row without flows was not touched yet,
// for every record is a flow.
func (t *Tally) of(s *flow.Subnet) *counts {
	if s.Slot >= len(t.counts) {
		t.counts = append(t.counts, make([]counts, s.Slot+1-len(t.counts))...)
	}
	c := &t.counts[s.Slot]
	if c[received].flows|c[sent].flows|c[deniedIngress].flows|c[deniedEgress].flows == 0 {
		t.touched = append(t.touched, s)
	}
	return c
}

// Apply moves the tally into the totals and leaves it empty. What was counted
// for a subnet that left meanwhile leaves with it.
func (t *Tally) Apply() {
	for _, s := range t.touched {
		if row := t.totals.find(s); row != nil {
			for c := range row.counts {
				row.counts[c].add(t.counts[s.Slot][c])
			}
		}
	}
	t.Discard()
}

// Discard forgets what was observed since the last Apply.
func (t *Tally) Discard() {
	for _, s := range t.touched {
		t.counts[s.Slot] = counts{}
	}
	clear(t.touched) // keep no subnet of an old address book alive
	t.touched = t.touched[:0]
}
