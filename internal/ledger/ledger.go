// Package ledger keeps the totals and the places that belong together: what was
// counted, and how far each source was read to count it.
package ledger

import (
	"sync"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Ledger is the one lock under which totals and places move. Whoever looks
// through it sees the totals of exactly those bodies whose places it holds.
// The zero value is ready; it is safe for concurrent use.
type Ledger struct {
	mu     sync.Mutex
	places map[partition]string
}

type partition struct{ source, name string }

// Apply lets one body count: apply adds its totals, and the place moves with
// them. Apply must not call the ledger.
func (l *Ledger) Apply(source string, place flow.Place, apply func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	apply()
	if place.Partition == "" {
		return
	}
	if l.places == nil {
		l.places = make(map[partition]string)
	}
	l.places[partition{source, place.Partition}] = place.Position
}

// Do runs f while no body counts: to change what totals are kept for, or to
// read all of them as one consistent state. f must not call the ledger.
func (l *Ledger) Do(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// Of returns the places of one source.
func (l *Ledger) Of(source string) Places { return Places{l, source} }

// Places are the places of one source. It is safe for concurrent use.
type Places struct {
	ledger *Ledger
	source string
}

// Place returns the position up to which, inclusive, the partition was
// counted; false when nothing of it was.
func (p Places) Place(name string) (position string, ok bool) {
	p.ledger.Do(func() { position, ok = p.ledger.places[partition{p.source, name}] })
	return position, ok
}
