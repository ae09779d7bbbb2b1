// Package traffic counts flows, packets and bytes per subnet: what entered,
// what left, and what was denied in either direction.
package traffic

import (
	"math"
	"sync"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Amount is what one kind of traffic adds up to.
type Amount struct {
	Bytes   uint64 `json:"bytes"`
	Packets uint64 `json:"packets"`
	Flows   uint64 `json:"flows"` // flow log records
}

// Class is a kind of traffic, as seen from the interfaces of a subnet.
type Class uint8

// The kinds: accepted traffic that entered or left, traffic that was denied.
const (
	Received Class = iota
	Sent
	DeniedIngress
	DeniedEgress
	numClasses
)

// Counts are the totals of one subnet, by Class.
type Counts [numClasses]Amount

// classOf returns the row of a placed record. Whatever did not leave, entered:
// the address book gives every placed record a direction.
func classOf(r *flow.Record) Class {
	c := int(Received) // of a size that needs no branch, which would be mispredicted every other time
	if r.Direction == flow.Egress {
		c = int(Sent)
	}
	if r.Rejected() {
		c += int(DeniedIngress)
	}
	return Class(c)
}

// add never goes down: a sum that does not fit stays at the largest value.
func (a *Amount) add(b Amount) {
	a.Bytes = sum(a.Bytes, b.Bytes)
	a.Packets = sum(a.Packets, b.Packets)
	a.Flows += b.Flows
}

func sum(a, b uint64) uint64 {
	if a+b < a {
		return math.MaxUint64
	}
	return a + b
}

// Totals are the counters of all known subnets. They have no lock of their own:
// SetSubnets, Apply of a tally and Freeze run under the ledger's.
type Totals struct {
	rows   []Row
	byKey  map[flow.Key]int
	labels *labelled // of the subnets of rows
	frozen sync.Pool // of *Frozen
	now    func() time.Time
}

// Row is the totals of one subnet. Only its counts change.
type Row struct {
	Subnet *flow.Subnet
	Counts Counts
	// Created is when the subnet became known and its counters stood at 0.
	Created time.Time
}

// Rows returns the totals of all known subnets, ordered by slot. The slice
// belongs to the totals: it is read under the ledger and not kept.
func (t *Totals) Rows() []Row { return t.rows }

// New returns totals without subnets.
func New() *Totals {
	return &Totals{byKey: map[flow.Key]int{}, labels: &labelled{}, now: time.Now}
}

// SetSubnets makes subnets, ordered by slot, the ones that totals are kept for.
// New ones start at 0, known ones continue, those that left are forgotten. The
// slice is kept, and must not change.
func (t *Totals) SetSubnets(subnets []*flow.Subnet) {
	rows := make([]Row, len(subnets))
	byKey := make(map[flow.Key]int, len(subnets))
	now := t.now()
	for slot, s := range subnets {
		rows[slot] = Row{Subnet: s, Created: now}
		if old, ok := t.byKey[s.Key()]; ok {
			rows[slot].Counts, rows[slot].Created = t.rows[old].Counts, t.rows[old].Created
		}
		byKey[s.Key()] = slot
	}
	t.rows, t.byKey, t.labels = rows, byKey, &labelled{subnets: subnets}
}

// find returns the row of a subnet, which may come from an earlier list than
// the current one; nil when the subnet has left.
func (t *Totals) find(s *flow.Subnet) *Row {
	if s.Slot < len(t.rows) && t.rows[s.Slot].Subnet == s {
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
	counts  []Counts // by slot of the address book that placed the body
	touched []*flow.Subnet
}

// Observe adds the placed records among records; all of one body must have been
// placed by one state of the address book. The slice is not kept.
func (t *Tally) Observe(records []flow.Record) {
	var (
		last   *flow.Subnet // neighbours mostly are of one interface
		counts *Counts
	)
	for i := range records {
		r := &records[i]
		if r.Subnet == nil {
			continue
		}
		if r.Subnet != last {
			last, counts = r.Subnet, t.of(r.Subnet)
		}
		counts[classOf(r)].add(Amount{r.Bytes, r.Packets, 1})
	}
}

// of returns the counts of a subnet. A row without flows was not touched yet,
// for every record is a flow.
func (t *Tally) of(s *flow.Subnet) *Counts {
	if s.Slot >= len(t.counts) {
		t.counts = append(t.counts, make([]Counts, s.Slot+1-len(t.counts))...)
	}
	c := &t.counts[s.Slot]
	if c[Received].Flows|c[Sent].Flows|c[DeniedIngress].Flows|c[DeniedEgress].Flows == 0 {
		t.touched = append(t.touched, s)
	}
	return c
}

// Apply moves the tally into the totals and leaves it empty. What was counted
// for a subnet that left meanwhile leaves with it.
func (t *Tally) Apply() {
	for _, s := range t.touched {
		if row := t.totals.find(s); row != nil {
			for c := range row.Counts {
				row.Counts[c].add(t.counts[s.Slot][c])
			}
		}
	}
	t.Discard()
}

// Discard forgets what was observed since the last Apply.
func (t *Tally) Discard() {
	for _, s := range t.touched {
		t.counts[s.Slot] = Counts{}
	}
	clear(t.touched) // keep no subnet of an old address book alive
	t.touched = t.touched[:0]
}
