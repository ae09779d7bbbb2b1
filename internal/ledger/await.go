package ledger

import (
	"context"
	"fmt"
	"time"
)

// groupInterval lies between two commits that are made because somebody waits:
// whoever comes meanwhile shares the next one.
const groupInterval = 200 * time.Millisecond

// awaiting is what those need who wait for a commit. But for turn, it is
// guarded by the lock of the ledger.
type awaiting struct {
	// frozen is how often the state was frozen; what was frozen up to durable
	// is committed.
	frozen, durable uint64
	moved           chan struct{} // closed when durable moves; nil while nobody waits
	closing         chan struct{} // closed with the ledger
	turn            chan struct{} // holds a token while one of the waiting commits
	// pause is how long the next commit has to wait for its turn: longer
	// and longer while they fail.
	pause time.Duration
	last  time.Time // when a commit was last tried because somebody waits
}

// Committed waits until everything that was applied before the call is
// committed: durable, and public. It asks for a commit without waiting for the
// interval of Run, at most one each 200 ms for all who wait together.
//
// While commits fail it goes on waiting, until ctx ends: then it returns the
// error of ctx. Once the ledger is closed it tries once more at most, and
// returns ErrClosed when that fails. It may be called without Run, and without
// a Store.
func (l *Ledger) Committed(ctx context.Context) error {
	l.mu.Lock()
	l.ready()
	// What is being saved just now was frozen before the call.
	ticket := l.await.frozen + 1
	l.mu.Unlock()
	for {
		moved, done := l.ticket(ticket)
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case l.await.turn <- struct{}{}:
			err := l.lead(ctx, ticket)
			<-l.await.turn
			if err != nil {
				return err
			}
		}
	}
}

// ready makes the channels. The caller holds the lock.
func (l *Ledger) ready() {
	if l.await.turn == nil {
		l.await.turn, l.await.closing = make(chan struct{}, 1), make(chan struct{})
	}
}

// ticket reports whether the freeze is durable, else what closes when more is.
func (l *Ledger) ticket(freeze uint64) (moved <-chan struct{}, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.await.durable >= freeze {
		return nil, true
	}
	if l.await.moved == nil {
		l.await.moved = make(chan struct{})
	}
	return l.await.moved, false
}

// lead commits for all who wait, when it is time. An error ends the waiting of
// the caller: a failed commit does so only when the ledger is closed.
func (l *Ledger) lead(ctx context.Context, ticket uint64) error {
	l.mu.Lock()
	pause, closing := time.Until(l.await.last.Add(max(l.await.pause, groupInterval))), l.await.closing
	l.mu.Unlock()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-closing: // there is no time to lose
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, done := l.ticket(ticket); done {
		return nil // the commit of Run came before
	}
	err := l.Commit()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.await.last = time.Now()
	if err == nil {
		l.await.pause = 0
		return nil
	}
	l.await.pause = min(max(2*l.await.pause, 2*groupInterval), 5*time.Second)
	if l.closed {
		return fmt.Errorf("%w, and the last commit failed: %w", ErrClosed, err)
	}
	return nil
}

// freezing notes that the state is about to be frozen. The caller holds the lock.
func (a *awaiting) freezing() { a.frozen++ }

// committed tells all who wait that what was frozen last is durable. Commits
// come one after the other. The caller holds the lock.
func (a *awaiting) committed() {
	a.durable = a.frozen
	if a.moved != nil {
		close(a.moved)
		a.moved = nil
	}
}
