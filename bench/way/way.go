// Package way wires the product's way from bodies to counters as the program
// does, without AWS and without a disk: for benchmarks, and for what judges them.
package way

import (
	"context"
	"encoding/binary"
	"strconv"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/ledger"
	"github.com/flowlog-exporter/flowlog-exporter/internal/pipeline"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// Source is the name of the input.
const Source = "kinesis"

// Way is the way through, wired. Several goroutines may call Handle at once.
type Way struct {
	Totals   *traffic.Totals
	Accounts *pipeline.Accounts
	Ledger   *ledger.Ledger
	Pipeline *pipeline.Pipeline

	pass uint64 // how often the corpus was begun
}

// New wires a way with an address book of these subnets, without interfaces: so
// directions are learned, as without the permission to list interfaces.
// It remembers as many deliveries as it can, as after some minutes of work: what
// is measured then does not depend on how long it is measured.
func New(subnets []flow.Subnet, formats flowlog.Formats) *Way {
	return NewAged(subnets, formats, pipeline.WindowDeliveries)
}

// NewAged wires a way that remembers so many deliveries; 0 is a first start.
func NewAged(subnets []flow.Subnet, formats flowlog.Formats, deliveries int) *Way {
	w := &Way{Totals: traffic.New(), Accounts: pipeline.NewAccounts(Source)}
	table, learner, window := vpc.NewTable(subnets, nil), &vpc.Learner{}, windowOf(deliveries)
	w.Totals.SetSubnets(table.Subnets())
	w.Ledger = &ledger.Ledger{Sections: []ledger.Section{w.Totals, w.Accounts, window}}
	w.Pipeline = &pipeline.Pipeline{
		NewReader: func(known flowlog.Deliveries) pipeline.Reader {
			return flowlog.NewReader(flowlog.Options{Formats: formats, Deliveries: &anew{known: known, way: w}})
		},
		NewLocator: func() pipeline.Locator { return &locator{table: table, placer: vpc.Placer{Learner: learner}} },
		NewTally:   func() pipeline.Tally { return w.Totals.Tally() },
		Ledger:     w.Ledger, Accounts: w.Accounts, Window: window,
	}
	return w
}

// locator places the records of one worker by a table that stays.
type locator struct {
	table  *vpc.Table
	placer vpc.Placer
}

// Begin implements pipeline.Locator.
func (l *locator) Begin() {}

// Locate implements pipeline.Locator.
func (l *locator) Locate(records []flow.Record) { l.placer.Locate(l.table, records) }

// Begin makes the same bodies new deliveries, which they would not be when a
// corpus is read again. No body may be under way.
func (w *Way) Begin() { w.pass++ }

// Handle takes one message through.
func (w *Way) Handle(place flow.Place, data []byte) error {
	return w.Pipeline.Handle(context.Background(), flow.Body{Source: Source, Place: place, Data: data})
}

// anew lets deliveries of each pass be new ones, at their full price.
type anew struct {
	known  flowlog.Deliveries
	way    *Way
	stream []byte
}

// Fresh implements flowlog.Deliveries.
func (a *anew) Fresh(logStream, first, last []byte, events int) bool {
	a.stream = binary.LittleEndian.AppendUint64(append(a.stream[:0], logStream...), a.way.pass)
	return a.known.Fresh(a.stream, first, last, events)
}

// windowOf remembers so many deliveries that never come again.
func windowOf(deliveries int) *pipeline.Window {
	w := &pipeline.Window{}
	d := w.Deliveries()
	for i := range deliveries {
		d.Fresh(nil, strconv.AppendInt(nil, int64(i), 10), nil, 0)
	}
	d.Apply()
	return w
}
