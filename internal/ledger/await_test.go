package ledger

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a store whose Save waits until it is let go.
type slow struct {
	begun, let chan struct{}
	saved      []uint64
}

func (s *slow) Save(snapshot *Snapshot) error {
	s.begun <- struct{}{}
	<-s.let
	s.saved = append(s.saved, snapshot.Generation)
	return nil
}

// TestCommittedMeansWhatWasAppliedBefore: a commit that was under way when a
// body was applied does not make that body durable.
func TestCommittedMeansWhatWasAppliedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept()
		store := &slow{begun: make(chan struct{}), let: make(chan struct{})}
		k.Store = store
		k.count("a", 1)
		go func() { _ = k.Commit() }()
		<-store.begun
		k.count("a", 2)
		done := make(chan error, 1)
		go func() { done <- k.Committed(t.Context()) }()
		store.let <- struct{}{}
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("Committed = %v after the commit before it", err)
		case <-store.begun:
		}
		store.let <- struct{}{}
		if err := <-done; err != nil || len(store.saved) != 2 {
			t.Errorf("Committed = %v, saved %v", err, store.saved)
		}
	})
}

// TestCommittedIsShared: whoever waits at the same time waits for one commit,
// and those who wait again and again get five a second.
func TestCommittedIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, store := newKept(), &shelf{}
		k.Store = store
		const together, rounds = 50, 10
		var waiting sync.WaitGroup
		began := time.Now()
		for i := range together {
			waiting.Go(func() {
				for range rounds {
					k.count("a", i)
					if err := k.Committed(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		waiting.Wait()
		commits, took := len(store.kept), time.Since(began)
		if commits > rounds+1 || took > rounds*groupInterval {
			t.Errorf("%d commits in %v for %d rounds of %d", commits, took, rounds, together)
		}
	})
}

// TestCommittedGoesOnWhileCommitsFail until it works, the caller has enough, or
// the ledger is closed.
func TestCommittedGoesOnWhileCommitsFail(t *testing.T) {
	fail := errors.New("no space left")
	for name, end := range map[string]struct {
		by   func(k *kept, s *shelf, cancel context.CancelFunc)
		want error
	}{
		"works again":                       {func(_ *kept, s *shelf, _ context.CancelFunc) { s.fail(nil) }, nil},
		"cancelled":                         {func(_ *kept, _ *shelf, cancel context.CancelFunc) { cancel() }, context.Canceled},
		"closed":                            {func(k *kept, _ *shelf, _ context.CancelFunc) { k.Close() }, ErrClosed},
		"closed, but the last commit works": {func(k *kept, s *shelf, _ context.CancelFunc) { s.fail(nil); k.Close() }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, store := newKept(), &shelf{}
				k.Store = store
				store.fail(fail)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				k.count("a", 1)
				done := make(chan error, 1)
				go func() { done <- k.Committed(ctx) }()
				time.Sleep(time.Minute)
				select {
				case err := <-done:
					t.Fatalf("Committed = %v while commits fail", err)
				default:
				}
				if n := k.Status().Failures; n < 5 || n > 40 {
					t.Errorf("%d commits were tried within a minute", n)
				}
				end.by(k, store, cancel)
				if err := <-done; !errors.Is(err, end.want) {
					t.Errorf("Committed = %v, want %v", err, end.want)
				}
			})
		})
	}
}

// TestCommittedWithNothingNew returns too.
func TestCommittedWithNothingNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept()
		for range 3 {
			if err := k.Committed(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		k.Close()
		if err := k.Committed(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
