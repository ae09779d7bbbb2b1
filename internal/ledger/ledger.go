// Package ledger keeps the totals and the places that belong together: what was
// counted, and how far each source was read to count it. Both are committed as
// one snapshot, and only what is committed is made public.
package ledger

import (
	"log/slog"
	"sync"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Section is a part of the totals, kept and encoded by the room that owns it.
// All of its methods are called under the ledger; see Freezer.
type Section interface {
	// StateName names the section in a snapshot, for ever.
	StateName() string
	// AppendState appends the section to b and returns the result.
	AppendState(b []byte) []byte
	// RestoreState takes the section from what AppendState wrote, in this
	// release or an earlier one. On an error the section is unchanged.
	RestoreState(b []byte) error
}

// Freezer is a large section. FreezeState copies it under the ledger; what it
// returns does what AppendState does, once, without the ledger, and ends before
// the next FreezeState is called.
type Freezer interface {
	FreezeState() (appendState func(b []byte) []byte)
}

// Resetter is a section that can begin a new life: at 0, born now. A section
// that is no total, as a memory of what was seen, is none.
type Resetter interface{ ResetState() }

// Ledger is the one lock under which totals and places move, and the protocol
// by which they are committed. The exported fields are set before first use and
// not changed. It is safe for concurrent use.
type Ledger struct {
	// Store makes snapshots durable; nil keeps nothing beyond the process.
	Store Store
	// Sections are what is committed beside the places.
	Sections []Section
	// Present freezes what is to be public, under the ledger, and returns
	// what publishes it; that is called once the snapshot is durable. May be nil.
	Present func() (publish func())
	// Stale reports whether there is more to be public although nothing was
	// counted since the last commit; nil is never. Commits ask one at a time.
	Stale func() bool
	// Logger is told when commits begin to fail, and when they work again; nil
	// is slog.Default.
	Logger *slog.Logger

	mu         sync.Mutex
	places     map[partition]string
	changed    bool          // since the last commit
	pending    int           // bodies since the last commit
	stalled    chan struct{} // closed when reading may go on; nil while it may
	closed     bool
	generation uint64
	await      awaiting
	bounds     map[string]*bound // by source

	committing sync.Mutex
	snapshot   Snapshot // of the last commit, whose buffers the next one uses
	later      []func() // what is left to encode of it
	status     Status
	told       time.Time // of the failure that goes on
}

type partition struct{ source, name string }

// Apply lets one body count: apply adds its totals, and the place moves with
// them. Apply must not call the ledger.
func (l *Ledger) Apply(source string, place flow.Place, apply func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	apply()
	l.changed = true
	l.pending++
	if place.Partition != "" {
		l.move(source, place.Partition, place.Position)
	}
}

func (l *Ledger) move(source, name, position string) {
	if l.places == nil {
		l.places = make(map[partition]string)
	}
	_, known := l.places[partition{source, name}]
	l.places[partition{source, name}] = position
	l.keep(source, name, position, !known)
}

// View runs f while no body counts: to read all totals as one consistent state.
// f must not call the ledger.
func (l *Ledger) View(f func()) {
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
	p.ledger.View(func() { position, ok = p.ledger.places[partition{p.source, name}] })
	return position, ok
}

// Pin remembers a position that no body brings, as where a shard begins. An
// empty position forgets the partition.
func (p Places) Pin(name, position string) {
	p.ledger.View(func() {
		p.ledger.changed = true
		if position == "" {
			if _, known := p.ledger.places[partition{p.source, name}]; known {
				delete(p.ledger.places, partition{p.source, name})
				p.ledger.dropped(p.source)
			}
			return
		}
		p.ledger.move(p.source, name, position)
	})
}
