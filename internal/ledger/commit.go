package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// MaxPending is how many bodies may be counted while commits fail. Then reading
// stops until a commit succeeds: what is not committed is read again after a
// crash, and a source does not keep it for ever.
const MaxPending = 100_000

// ErrClosed says that the ledger takes no more bodies.
var ErrClosed = errors.New("the ledger is closed")

// Commit makes what was counted so far durable, and then public. When it fails,
// what was public stays so, nothing is lost, and the next commit tries again.
// Without a change it does nothing.
func (l *Ledger) Commit() error { return l.commit(nil) }

// Change runs f while no body counts, and commits at once: so that what f
// brings to 0 is public before anything is added to it. f must not call the
// ledger.
func (l *Ledger) Change(f func()) error { return l.commit(f) }

func (l *Ledger) commit(change func()) error {
	l.committing.Lock()
	defer l.committing.Unlock()
	snapshot, publish, bodies := l.freeze(change)
	if snapshot == nil { // what is public may still be said of another time
		publish()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.await.committed()
		return nil
	}
	var err error
	if l.Store != nil {
		l.finish()
		err = l.Store.Save(snapshot)
	}
	if err == nil {
		publish()
	}
	l.settle(snapshot, bodies, err)
	return err
}

// freeze copies or encodes everything under the lock, into the buffers of the
// commit before. Without a change there is no snapshot to save, and without news
// nothing to publish.
func (l *Ledger) freeze(change func()) (s *Snapshot, publish func(), bodies int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.await.freezing()
	if change != nil {
		change()
		l.changed = true
	}
	publish = func() {}
	if !l.changed && (l.Stale == nil || !l.Stale()) {
		return nil, publish, 0
	}
	if l.Present != nil {
		publish = l.Present()
	}
	if !l.changed {
		return nil, publish, 0
	}
	l.changed = false
	l.snapshot.Generation = l.generation + 1
	if l.Store != nil {
		l.fill(&l.snapshot)
	}
	return &l.snapshot, publish, l.pending
}

// fill encodes everything into the buffers of s, but for what can be encoded
// later, without the lock.
func (l *Ledger) fill(s *Snapshot) {
	s.Places = l.appendPlaces(s.Places[:0])
	if s.Sections == nil {
		s.Sections = make([]SectionState, len(l.Sections))
	}
	for i, section := range l.Sections {
		to := &s.Sections[i]
		to.Name = section.StateName()
		if large, ok := section.(Freezer); ok {
			appendState := large.FreezeState()
			l.later = append(l.later, func() { to.Data = appendState(to.Data[:0]) })
			continue
		}
		to.Data = section.AppendState(to.Data[:0])
	}
}

// finish encodes what was left for later.
func (l *Ledger) finish() {
	for _, encode := range l.later {
		encode()
	}
	l.later = l.later[:0]
}

func (l *Ledger) appendPlaces(list []Place) []Place {
	for p, position := range l.places {
		list = append(list, Place{Source: p.source, Partition: p.name, Position: position})
	}
	slices.SortFunc(list, func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Partition, b.Partition))
	})
	return list
}

// settle notes how a commit went.
func (l *Ledger) settle(s *Snapshot, bodies int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if err != nil {
		l.changed = true
		l.status.Failures++
		l.tellFailure(err, now)
		if l.pending >= MaxPending && l.stalled == nil && !l.closed {
			l.stalled = make(chan struct{})
			l.log().Error("reading stops: too much was counted that can't be written; it goes on with the next commit that succeeds", "pending", l.pending)
		}
		return
	}
	if l.status.Failing {
		l.log().Info("state is written again", "generation", s.Generation)
	}
	l.generation = s.Generation
	l.pending -= bodies
	l.status.Failing, l.status.LastSuccess = false, now
	l.await.committed()
	l.release()
}

// sayAgain is how often a failure that goes on is logged.
const sayAgain = 10 * time.Minute

func (l *Ledger) tellFailure(err error, now time.Time) {
	if l.status.Failing && now.Sub(l.told) < sayAgain {
		return
	}
	l.status.Failing, l.told = true, now
	l.log().Error("state can't be written: metrics stay at the last commit", "err", err)
}

func (l *Ledger) log() *slog.Logger {
	if l.Logger == nil {
		return slog.Default()
	}
	return l.Logger
}

// release lets reading go on. The caller holds the lock.
func (l *Ledger) release() {
	if l.stalled != nil && !l.closed {
		l.log().Info("reading goes on")
		close(l.stalled)
	}
	l.stalled = nil
}

// Admit waits until one more body may be counted. It returns ErrClosed once the
// ledger is closed.
func (l *Ledger) Admit() error {
	for {
		l.mu.Lock()
		stalled, closed := l.stalled, l.closed
		l.mu.Unlock()
		switch {
		case stalled == nil:
			return nil
		case closed:
			return ErrClosed
		}
		<-stalled
	}
}

// Close lets nobody wait any more: while commits fail, bodies are refused. It
// commits nothing.
func (l *Ledger) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stalled != nil && !l.closed {
		close(l.stalled)
	}
	if l.ready(); !l.closed {
		close(l.await.closing)
	}
	l.closed = true
}

// Run commits every interval until the context ends. What comes on another is
// the interval from then on; nil never changes it.
func (l *Ledger) Run(ctx context.Context, interval time.Duration, another <-chan time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = l.Commit() // told and counted where it failed
		case interval = <-another:
			ticker.Reset(interval)
		case <-ctx.Done():
			return
		}
	}
}

// Status says how committing goes.
type Status struct {
	Failures    uint64    // commits that failed
	Failing     bool      // the last one did
	LastSuccess time.Time // zero before the first
}

// Status returns how committing goes.
func (l *Ledger) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// Restore takes over a snapshot, before the first body, and makes it public.
// With anew, totals begin a new life at 0 while places and memories go on: for
// a snapshot that is older than what was public. A section that the snapshot
// lacks is left as it is.
func (l *Ledger) Restore(s *Snapshot, anew bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	saved := make(map[string][]byte, len(s.Sections))
	for _, section := range s.Sections {
		saved[section.Name] = section.Data
	}
	for _, section := range l.Sections {
		data, ok := saved[section.StateName()]
		if !ok {
			continue
		}
		if err := section.RestoreState(data); err != nil {
			return fmt.Errorf("section %q of generation %d: %w", section.StateName(), s.Generation, err)
		}
		if r, ok := section.(Resetter); ok && anew {
			r.ResetState()
		}
	}
	for _, p := range s.Places {
		l.move(p.Source, p.Partition, p.Position)
	}
	l.generation, l.changed = s.Generation, anew
	if l.Present != nil {
		l.Present()()
	}
	return nil
}
