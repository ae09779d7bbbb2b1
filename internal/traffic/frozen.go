package traffic

import (
	"slices"
	"sync"
)

// Frozen is the totals of all subnets at one instant. It never changes, and is
// safe for concurrent use until it is released.
type Frozen struct {
	rows   []Row // of which the counts go on: only what never changes is read
	counts []Counts
	names  *labelled
	pool   *sync.Pool
}

// Freeze copies the totals. The caller holds the ledger; what it gets is read
// without.
func (t *Totals) Freeze() *Frozen {
	f, ok := t.frozen.Get().(*Frozen)
	if !ok {
		f = &Frozen{pool: &t.frozen}
	}
	f.rows, f.names, f.counts = t.rows, t.labels, slices.Grow(f.counts[:0], len(t.rows))
	for i := range t.rows {
		f.counts = append(f.counts, t.rows[i].Counts)
	}
	return f
}

// Release gives the copy back; nothing of it may be used afterwards. Who does
// not call it costs a later Freeze an allocation.
func (f *Frozen) Release() {
	f.rows, f.names = nil, nil
	f.pool.Put(f)
}

func (f *Frozen) labels() []label { return f.names.all() }
