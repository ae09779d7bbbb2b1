package vpc

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Loader fetches the whole address book. It returns whole lists or an error,
// never a part.
type Loader interface {
	Load(ctx context.Context) ([]flow.Subnet, []Interface, error)
}

const (
	defaultRefresh = 5 * time.Minute
	firstRetry     = time.Second
	lastRetry      = time.Minute
	// loadTimeout ends a load that hangs.
	loadTimeout = 2 * time.Minute
	// sayAgain is how often a failure that goes on is logged.
	sayAgain = 10 * time.Minute
)

// errNotYet is the reason of Ready before the first load has ended.
var errNotYet = errors.New("subnets have not been read yet")

// Book holds the current address book and keeps it up to date. Its fields must
// not change once Run or Collect was called, but by Renew; its methods are safe
// for concurrent use.
type Book struct {
	// Loader fetches the lists.
	Loader Loader
	// Refresh is the time between two loads, give or take a tenth; 0 is 5
	// minutes.
	Refresh time.Duration
	// Publish makes a new list of subnets known. It must call swap, which
	// makes Table return the table of that list, so that the caller can
	// change what hangs on the list at the same instant. The slice belongs to
	// the table. A nil Publish only swaps.
	Publish func(subnets []*flow.Subnet, swap func())
	// Logger is told when loads begin to fail and when they succeed again;
	// nil is slog.Default().
	Logger *slog.Logger

	table       atomic.Pointer[Table]
	refreshes   atomic.Uint64
	failures    atomic.Uint64
	lastSuccess atomic.Int64 // Unix milliseconds, 0 before the first

	mu      sync.Mutex
	ended   bool          // a load has ended
	err     error         // of the last load
	ready   bool          // settled is closed
	settled chan struct{} // made when first asked for
	renewed chan struct{} // holds a token after Renew; made when first asked for
}

var empty = NewTable(nil, nil)

// Table returns the current table, an empty one before the first success. It
// is never nil.
func (b *Book) Table() *Table {
	if t := b.table.Load(); t != nil {
		return t
	}
	return empty
}

// Ready returns nil when a list was loaded, or when the permission for one is
// missing for good (ErrDenied): then everything counts as unmatched. Otherwise
// it says why there is no list. Later failures do not matter to it.
func (b *Book) Ready() error {
	if b.table.Load() != nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		return errNotYet
	}
	if errors.Is(b.err, ErrDenied) {
		return nil
	}
	return b.err
}

// Run loads the address book at once and then again and again until the context
// ends, and returns nil then. A load that fails leaves the book as it is, is
// counted, and is tried again after 1 s, 2 s and so on up to a minute, but not
// later than the next refresh.
func (b *Book) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var s speech
	failed := 0 // in a row
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-b.renewal():
		}
		err := b.Load(ctx)
		if ctx.Err() != nil {
			return nil
		}
		s.tell(logger(b.Logger), err, len(b.Table().Subnets()))
		if err != nil {
			failed++
		} else {
			failed = 0
		}
		timer.Reset(b.pause(failed))
	}
}

// Renew takes over another loader and another time between two loads, and lets Run
// load at once. The list in use stays until that succeeds.
func (b *Book) Renew(loader Loader, refresh time.Duration) {
	renewed := b.renewal()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Loader, b.Refresh = loader, refresh
	select {
	case renewed <- struct{}{}:
	default: // Run has not come to the last one yet
	}
}

func (b *Book) renewal() chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.renewed == nil {
		b.renewed = make(chan struct{}, 1)
	}
	return b.renewed
}

// now returns what loads, and how often.
func (b *Book) now() (Loader, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Loader, b.Refresh
}

// Load runs one refresh. On an error the book stays as it is.
func (b *Book) Load(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	loader, _ := b.now()
	subnets, interfaces, err := loader.Load(limited)
	if err != nil && ctx.Err() != nil {
		return err // stopped, not failed
	}
	b.refreshes.Add(1)
	if err != nil {
		b.failures.Add(1)
	} else {
		b.publish(NewTable(subnets, interfaces))
		b.lastSuccess.Store(time.Now().UnixMilli())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended, b.err = true, err
	if (err == nil || errors.Is(err, ErrDenied)) && !b.ready {
		b.ready = true
		close(b.settledLocked())
	}
	return err
}

// Settled returns a channel that is closed as soon as Ready returns nil.
func (b *Book) Settled() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settledLocked()
}

func (b *Book) settledLocked() chan struct{} {
	if b.settled == nil {
		b.settled = make(chan struct{})
	}
	return b.settled
}

func (b *Book) publish(t *Table) {
	swap := func() { b.table.Store(t) }
	if b.Publish == nil {
		swap()
		return
	}
	b.Publish(t.Subnets(), swap)
}

// pause returns the time until the next load, with jitter, so that many
// exporters do not call AWS at the same instant.
func (b *Book) pause(failed int) time.Duration {
	_, d := b.now()
	if d <= 0 {
		d = defaultRefresh
	}
	if failed > 0 {
		d = min(d, lastRetry, firstRetry<<min(failed-1, 10))
	}
	return d + time.Duration((rand.Float64()*0.2-0.1)*float64(d))
}

// speech logs failures when they begin, when their kind changes, when they end
// and every ten minutes in between.
type speech struct {
	kind failure
	last time.Time
}

type failure uint8

const (
	starting failure = iota
	none
	missingPermission
	other
)

func (s *speech) tell(log *slog.Logger, err error, subnets int) {
	kind := none
	switch {
	case errors.Is(err, ErrDenied):
		kind = missingPermission
	case err != nil:
		kind = other
	}
	if kind == s.kind && (kind == none || time.Since(s.last) < sayAgain) {
		return
	}
	s.kind, s.last = kind, time.Now()
	switch {
	case kind == none:
		log.Info("subnets read", "subnets", subnets)
	case subnets == 0:
		log.Warn("no subnets known: all records count as unmatched", "err", err)
	default:
		log.Warn("subnets not refreshed: the last list stays in use", "subnets", subnets, "err", err)
	}
}
