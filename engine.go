package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	dto "github.com/prometheus/client_model/go"

	"github.com/flowlog-exporter/flowlog-exporter/internal/denylog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/ledger"
	"github.com/flowlog-exporter/flowlog-exporter/internal/pipeline"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// engine is the way through, wired: bodies go in at the pipeline, and what they
// add up to comes out at the gatherer.
type engine struct {
	log      *slog.Logger
	ledger   *ledger.Ledger
	totals   *traffic.Totals
	accounts *pipeline.Accounts
	book     *vpc.Book
	learner  *vpc.Learner
	locator  atomic.Pointer[locator]
	deny     *denylog.Log
	pipeline *pipeline.Pipeline

	// counted holds what is gathered under the ledger, as one consistent
	// state; about holds what the process says of itself.
	counted, about *prometheus.Registry
}

// newEngine wires the way from bodies of the named sources to counters.
func newEngine(p *program, s *settings, log *slog.Logger, loader vpc.Loader, formats flowlog.Formats, sources ...string) (*engine, error) {
	e := &engine{
		log: log, ledger: &ledger.Ledger{}, totals: traffic.New(), accounts: pipeline.NewAccounts(sources...), learner: &vpc.Learner{},
		counted: prometheus.NewRegistry(), about: prometheus.NewRegistry(),
	}
	e.locator.Store(&locator{vpc.NewTable(nil, nil), e.learner})
	e.book = &vpc.Book{Loader: loader, Refresh: s.subnetsRefresh, Publish: e.publish, Logger: log}
	var err error
	e.deny, err = denylog.New(denylog.Options{
		Output: s.denyOutput, Format: s.denyFormat, Rate: s.denyRate,
		Registerer: e.about, Stdout: p.stdout, Stderr: p.stderr, Logger: log,
	})
	if err != nil {
		return nil, usagef("%w", err)
	}
	e.counted.MustRegister(e.totals, e.accounts, e.book)
	e.about.MustRegister(versioncollector.NewCollector("flowlog_exporter"),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	e.pipeline = e.wire(s, formats)
	return e, nil
}

func (e *engine) wire(s *settings, formats flowlog.Formats) *pipeline.Pipeline {
	reading := flowlog.Options{MaxInflated: int64(s.maxInflated), Formats: formats, Logger: e.log, Notices: &flowlog.Notices{}}
	return &pipeline.Pipeline{
		NewReader: func() pipeline.Reader { return flowlog.NewReader(reading) },
		Locator:   func() pipeline.Locator { return e.locator.Load() },
		NewTally:  func() pipeline.Tally { return e.totals.Tally() },
		Observers: []pipeline.Observer{e.deny},
		Ledger:    e.ledger,
		Accounts:  e.accounts,
	}
}

// locator is one state of the address book and what was learned beside it.
type locator struct {
	table   *vpc.Table
	learner *vpc.Learner
}

// Locate implements pipeline.Locator.
func (l *locator) Locate(records []flow.Record) { l.table.Locate(records, l.learner) }

// publish lets the address book and the rows of the totals change at one
// instant.
func (e *engine) publish(subnets []*flow.Subnet, swap func()) {
	e.ledger.Do(func() {
		swap()
		e.locator.Store(&locator{e.book.Table(), e.learner})
		e.totals.SetSubnets(subnets)
	})
}

// Gather implements prometheus.Gatherer. What was counted is read under the
// ledger: the totals of exactly the bodies whose places it holds.
func (e *engine) Gather() ([]*dto.MetricFamily, error) {
	return prometheus.Gatherers{prometheus.GathererFunc(e.gatherCounted), e.about}.Gather()
}

func (e *engine) gatherCounted() (families []*dto.MetricFamily, err error) {
	e.ledger.Do(func() { families, err = e.counted.Gather() })
	return families, err
}

// sum returns what was counted so far.
func (e *engine) sum() (t totals) {
	e.ledger.Do(func() {
		t.rows = append(t.rows, e.totals.Rows()...)
		t.sum = e.accounts.Sum()
	})
	t.gatherer = prometheus.GathererFunc(e.gatherCounted)
	return t
}

// close writes what the deny log still holds.
func (e *engine) close(ctx context.Context) error { return e.deny.Close(ctx) }
