package command

import (
	"context"
	"io"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"

	"github.com/flowlog-exporter/flowlog-exporter/internal/denylog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/ledger"
	"github.com/flowlog-exporter/flowlog-exporter/internal/pipeline"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
	"github.com/flowlog-exporter/flowlog-exporter/internal/web"
)

// engine is the way through, wired: bodies go in at the pipeline, and what they
// add up to comes out at the gatherer.
type engine struct {
	log      *slog.Logger
	streams  *program // whose streams the deny log may go to
	ledger   *ledger.Ledger
	totals   *traffic.Totals
	accounts *pipeline.Accounts
	book     *vpc.Book
	learner  *vpc.Learner
	window   *pipeline.Window
	deny     *denylog.Switch
	pipeline *pipeline.Pipeline
	store    io.Closer     // of the ledger; nil in memory
	stopping chan struct{} // closed when no body is let in any more
	working  sync.Once     // at the first body

	// about holds what the process says of itself, as of each scrape.
	about *prometheus.Registry
	// committed renders what is committed.
	committed committed
}

// newEngine wires the way from bodies of the named sources to counters.
func newEngine(p *program, s *settings, log *slog.Logger, loader vpc.Loader, formats flowlog.Formats, sources ...string) (*engine, error) {
	e := &engine{
		log: log, streams: p, deny: &denylog.Switch{}, totals: traffic.New(), accounts: pipeline.NewAccounts(sources...), learner: &vpc.Learner{}, window: &pipeline.Window{},
		stopping: make(chan struct{}), about: prometheus.NewRegistry(),
	}
	e.book = &vpc.Book{Loader: loader, Refresh: s.subnetsRefresh, Publish: e.publish, Logger: log}
	e.committed = newCommitted(e.totals, e.accounts, e.book, log)
	e.ledger = &ledger.Ledger{
		Sections: []ledger.Section{e.totals, e.accounts, e.window},
		Present:  e.committed.present, Stale: e.committed.stale, Logger: log,
	}
	if err := e.deny.Turn(context.Background(), e.denyOptions(s)); err != nil {
		return nil, usagef("%w", err)
	}
	e.about.MustRegister(versioncollector.NewCollector("flowlog_exporter"),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	stateMetrics(e.about, e.ledger)
	e.pipeline = e.wire(s, formats)
	return e, nil
}

// denyOptions are those of the deny log that the settings ask for.
func (e *engine) denyOptions(s *settings) denylog.Options {
	return denylog.Options{
		Output: s.denyOutput, Format: s.denyFormat, Rate: s.denyRate, Wait: len(s.replay.files)+len(s.replay.objects) > 0,
		Registerer: e.about, Stdout: e.streams.stdout, Stderr: e.streams.stderr, Logger: e.log,
	}
}

func (e *engine) wire(s *settings, formats flowlog.Formats) *pipeline.Pipeline {
	reading := flowlog.Options{MaxInflated: int64(s.maxInflated), Formats: formats, Logger: e.log, Notices: &flowlog.Notices{}}
	return &pipeline.Pipeline{
		NewReader: func(known flowlog.Deliveries) pipeline.Reader {
			reading := reading
			reading.Deliveries = known
			return flowlog.NewReader(reading)
		},
		NewLocator: func() pipeline.Locator { return &locator{book: e.book, placer: vpc.Placer{Learner: e.learner}} },
		NewTally:   func() pipeline.Tally { return e.totals.Tally() },
		Observers:  []pipeline.Observer{e.deny},
		Ledger:     e.ledger,
		Accounts:   e.accounts,
		Window:     e.window,
		Logger:     e.log,
	}
}

// locator places the records of one worker by the address book.
type locator struct {
	book   *vpc.Book
	placer vpc.Placer
	table  *vpc.Table // of the body in hand
}

// Begin implements pipeline.Locator.
func (l *locator) Begin() { l.table = l.book.Table() }

// Locate implements pipeline.Locator.
func (l *locator) Locate(records []flow.Record) { l.placer.Locate(l.table, records) }

// publish lets the address book and the rows of the totals change at one
// instant, and commits: new subnets show 0 before anything is counted for them.
// A commit that fails is told by the ledger and made up for by the next one.
func (e *engine) publish(subnets []*flow.Subnet, swap func()) {
	_ = e.ledger.Change(func() {
		swap()
		e.totals.SetSubnets(subnets)
	})
}

// metrics returns what was counted up to now, committed or not. No commit may be
// on its way.
func (e *engine) metrics() (families []web.Family, err error) {
	var frozen func() ([]web.Family, func(), error)
	e.ledger.View(func() { frozen = e.committed.freeze() })
	families, _, err = frozen()
	return families, err
}

// sum returns what was counted so far.
func (e *engine) sum() (t totals) {
	e.ledger.View(func() {
		t.rows = append(t.rows, e.totals.Rows()...)
		t.sum = e.accounts.Sum()
	})
	t.metrics = e.metrics
	return t
}

// close gives the state to the next process and writes what the deny log still
// holds.
func (e *engine) close(ctx context.Context) error {
	if e.store != nil {
		_ = e.store.Close() // the lock goes with the process anyway
	}
	return e.deny.Close(ctx)
}
