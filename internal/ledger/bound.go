package ledger

import "container/heap"

// bound limits how many partitions of a source are remembered. It is guarded by
// the lock of the ledger.
type bound struct {
	most  int
	count int // partitions of the source that have a place
	// order has an entry for every place, lowest position first, and entries
	// whose place has moved on or was forgotten.
	order byPosition
}

// Bound limits a source whose partitions come and go, as objects do: at most n
// of them are remembered, and those with the lowest positions leave first.
// Positions are compared as texts. It is called before the first body and before
// Restore, once for a source.
func (l *Ledger) Bound(source string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bounds == nil {
		l.bounds = make(map[string]*bound)
	}
	l.bounds[source] = &bound{most: n}
}

// keep notes a place that is new or has moved, and forgets the lowest one when
// there are too many. The caller holds the lock.
func (l *Ledger) keep(source, name, position string, isNew bool) {
	b := l.bounds[source]
	if b == nil {
		return
	}
	if isNew {
		b.count++
	}
	heap.Push(&b.order, standing{name, position})
	for b.count > b.most {
		lowest := heap.Pop(&b.order).(standing)
		p := partition{source, lowest.name}
		if now, ok := l.places[p]; ok && now == lowest.position {
			delete(l.places, p)
			b.count--
		}
	}
	if len(b.order) > 2*b.most+1 {
		b.sweep(l, source)
	}
}

// sweep makes the order anew from the places. The caller holds the lock.
func (b *bound) sweep(l *Ledger, source string) {
	b.order = b.order[:0]
	for p, position := range l.places {
		if p.source == source {
			b.order = append(b.order, standing{p.name, position})
		}
	}
	heap.Init(&b.order)
}

// dropped notes that a place was forgotten. The caller holds the lock.
func (l *Ledger) dropped(source string) {
	if b := l.bounds[source]; b != nil {
		b.count--
	}
}

// Newest returns the highest position of the source, "" when there is none.
func (p Places) Newest() (position string) {
	p.ledger.View(func() {
		for at, there := range p.ledger.places {
			if at.source == p.source {
				position = max(position, there)
			}
		}
	})
	return position
}

// standing is where a partition stood once.
type standing struct{ name, position string }

// byPosition is a heap, lowest position first.
type byPosition []standing

func (o byPosition) Len() int           { return len(o) }
func (o byPosition) Less(i, j int) bool { return o[i].position < o[j].position }
func (o byPosition) Swap(i, j int)      { o[i], o[j] = o[j], o[i] }

// Push implements heap.Interface.
func (o *byPosition) Push(x any) { *o = append(*o, x.(standing)) }

// Pop implements heap.Interface.
func (o *byPosition) Pop() any {
	last := (*o)[len(*o)-1]
	*o = (*o)[:len(*o)-1]
	return last
}
