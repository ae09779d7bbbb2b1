package ledger

// Snapshot is everything that is committed at once: how far each source was
// read, and what was counted up to there. A store does not change it and keeps
// no part of it.
type Snapshot struct {
	// Generation is one more than that of the commit before; 0 is before the
	// first.
	Generation uint64
	// Places are sorted by source, then partition.
	Places []Place
	// Sections are in the order in which their owners are registered.
	Sections []SectionState
}

// Place is how far one partition of one source was counted: up to and including
// Position.
type Place struct{ Source, Partition, Position string }

// SectionState is one part of what was counted, in the encoding of its owner.
type SectionState struct {
	// Name is that of the owner.
	Name string
	// Data carries its own version where its owner needs one.
	Data []byte
}

// Store makes snapshots durable.
type Store interface {
	// Save returns nil when the snapshot survives whatever happens next. After
	// an error the snapshot before it is still there, the one given may be,
	// and Save can be called again.
	Save(s *Snapshot) error
}

// Memory is a store that keeps nothing: every start is a start from zero. It is
// safe for concurrent use.
type Memory struct{}

// Save forgets the snapshot.
func (Memory) Save(*Snapshot) error { return nil }
