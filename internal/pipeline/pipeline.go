// Package pipeline is the one way through: a body is read as flow log records,
// they are placed in the VPC, observed, and counted together with the place the
// body came from.
package pipeline

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
)

// Reader reads a body as blocks of records. It returns what yield returned, or
// an error of the machine that ended the reading of a stream.
type Reader interface {
	Read(body flow.Body, yield func(*flowlog.Block) error) error
}

// Locator places records: it sets Subnet, Direction and Ambiguous.
type Locator interface {
	// Begin takes the address book as it stands, for the blocks of one body.
	Begin()
	Locate(records []flow.Record)
}

// Observer is told the placed records of every body. It must not keep the
// slice, and must not block: it slows down its source.
type Observer interface {
	Observe(source string, records []flow.Record)
}

// Tally adds up the records of one body. Apply, called under the ledger, adds
// the sum to what is exported; Discard forgets it.
type Tally interface {
	Observe(records []flow.Record)
	Apply()
	Discard()
}

// Ledger moves totals and places together.
type Ledger interface {
	Apply(source string, place flow.Place, apply func())
}

// Pipeline takes bodies from any number of sources at once. Its fields are set
// before the first body and not changed afterwards.
type Pipeline struct {
	// NewReader makes the reader of one worker, which asks known what was
	// delivered before; nil without a Window.
	NewReader func(known flowlog.Deliveries) Reader
	// NewLocator makes the locator of one worker.
	NewLocator func() Locator
	// NewTally makes the tally of one worker.
	NewTally func() Tally
	// Observers are told the records of each block, in this order.
	Observers []Observer
	// Ledger is told each body once.
	Ledger Ledger
	// Accounts adds up what became of the records.
	Accounts *Accounts
	// Window remembers what was delivered; nil remembers nothing.
	Window *Window
	// Logger hears of bodies that are set aside; nil is silence.
	Logger *slog.Logger

	once  sync.Once
	slots chan *worker
	aside aside
}

// Handle takes one body all the way through. A body of the data's own errors is
// accounted for and no error. When reading a stream fails, the error is
// returned, nothing of the body counts and its place does not move. A body that
// counts whole or not at all, and is damaged, is accounted for as its failure
// alone, and its place moves. Of both, observers may have been told some. Handle
// is safe for concurrent use.
//
// A body that makes the reader, the address book or the tally panic is set
// aside: it counts as one failure, nothing else of it counts, and its place
// moves on, for it would panic again. A panic of an observer or of the ledger
// ends the process: they are shared, and may be half changed.
//
// As many messages are decoded at once as there are processors, the others
// wait: so that what decoding takes in memory does not grow with the shards. A
// stream may be slow to come, and has a worker of its own.
func (p *Pipeline) Handle(_ context.Context, body flow.Body) error {
	if body.Stream != nil {
		return p.newWorker().handle(body)
	}
	p.once.Do(p.start)
	w := <-p.slots
	if w == nil {
		w = p.newWorker()
	}
	defer func() {
		if w.broken {
			w = nil
		}
		p.slots <- w
	}()
	return w.handle(body)
}

// start makes the slots of the workers; each is filled when first used.
func (p *Pipeline) start() {
	p.slots = make(chan *worker, runtime.GOMAXPROCS(0))
	for range cap(p.slots) {
		p.slots <- nil
	}
}

func (p *Pipeline) newWorker() *worker {
	w := &worker{pipeline: p, locator: p.NewLocator(), tally: p.NewTally()}
	if p.Window == nil {
		w.reader = p.NewReader(nil)
	} else {
		w.deliveries = p.Window.Deliveries()
		w.reader = p.NewReader(w.deliveries)
	}
	w.yield, w.apply = w.take, w.count // bound once, not for each body
	return w
}

// worker carries one body at a time.
type worker struct {
	pipeline *Pipeline
	reader   Reader
	locator  Locator
	tally    Tally
	sheet    sheet

	deliveries *Deliveries // nil without a window
	observing  bool        // an observer is being told
	broken     bool        // after a panic

	// Of the body in hand.
	source string
	now    int64 // Unix seconds

	yield func(*flowlog.Block) error
	apply func()
}

func (w *worker) handle(body flow.Body) error {
	p := w.pipeline
	w.source, w.now = body.Source, time.Now().Unix()
	w.locator.Begin()
	if err := w.read(body); err != nil {
		w.tally.Discard()
		w.deliveries.Discard()
		w.sheet = sheet{}
		return err
	}
	p.Ledger.Apply(body.Source, body.Place, w.apply)
	w.sheet = sheet{}
	return nil
}

// read reads a body, or sets it aside when that panics.
func (w *worker) read(body flow.Body) error {
	defer func() {
		if cause := recover(); cause != nil {
			if w.observing {
				panic(cause)
			}
			w.setAside(body, cause)
		}
	}()
	return w.reader.Read(body, w.yield)
}

// count adds the body in hand to what is exported. The ledger calls it.
func (w *worker) count() {
	if !w.broken {
		w.tally.Apply()
		w.deliveries.Apply()
	}
	w.pipeline.Accounts.add(w.source, &w.sheet)
}

// take places and observes one block. One that is void takes back what came
// before it, but for what observers were told.
func (w *worker) take(b *flowlog.Block) error {
	if b.Void {
		w.tally.Discard()
		w.deliveries.Discard()
		w.sheet = sheet{}
	}
	w.locator.Locate(b.Records)
	w.tally.Observe(b.Records)
	w.sheet.observe(b, w.now)
	w.observing = true
	for _, o := range w.pipeline.Observers {
		o.Observe(w.source, b.Records)
	}
	w.observing = false
	return nil
}
