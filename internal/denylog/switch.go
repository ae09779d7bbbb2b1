package denylog

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Switch is a deny log that can be exchanged for another while flows come. The zero
// Switch is off. It is safe for concurrent use.
type Switch struct {
	mu      sync.RWMutex // held for reading by who observes
	log     *Log
	options Options

	turning sync.Mutex // one Turn at a time
}

// Turn replaces the log by one of other options. No flow is lost between the two:
// the old one writes what it has accepted, until ctx ends. Its counters end with it,
// those of the new one begin at 0. On an error the old one goes on; lines that it
// loses at its end are no error but logged.
func (s *Switch) Turn(ctx context.Context, o Options) error {
	s.turning.Lock()
	defer s.turning.Unlock()
	old, before := s.current()
	register := o.Registerer
	o.Registerer = nil // a series of the same sink may be that of the old one
	log, err := New(o)
	if err != nil {
		return err
	}
	if before.Registerer != nil && old != nil {
		before.Registerer.Unregister(old)
	}
	if register != nil && log != nil {
		if err := register.Register(log); err != nil {
			return errors.Join(fmt.Errorf("register the metrics of the deny log: %w", err), log.Close(ctx))
		}
	}
	o.Registerer = register
	s.mu.Lock()
	s.log, s.options = log, o
	s.mu.Unlock()
	if lost := old.Close(ctx); lost != nil && before.Logger != nil {
		before.Logger.Error("the deny log did not end well, lines are lost", "err", lost)
	}
	return nil
}

func (s *Switch) current() (*Log, Options) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.log, s.options
}

// Observe accepts flows as [Log.Observe] does. A log that waits for its output is not
// to be turned from.
func (s *Switch) Observe(source string, records []flow.Record) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.log.Observe(source, records)
}

// Reopen is [Log.Reopen] of the log in use.
func (s *Switch) Reopen() error {
	log, _ := s.current()
	return log.Reopen()
}

// Hurry is [Log.Hurry] of the log in use.
func (s *Switch) Hurry() {
	log, _ := s.current()
	log.Hurry()
}

// Dropped is [Log.Dropped] of the log in use.
func (s *Switch) Dropped() uint64 {
	log, _ := s.current()
	return log.Dropped()
}

// Close is [Log.Close] of the log in use.
func (s *Switch) Close(ctx context.Context) error {
	log, _ := s.current()
	return log.Close(ctx)
}
