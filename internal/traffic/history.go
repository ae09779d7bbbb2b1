package traffic

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

const (
	// MostHistory is how many amounts a history takes, those of tallies on their
	// way included: one for each interval, subnet and class that had traffic. They
	// take some 300 MiB.
	MostHistory = 4_194_304
	// historyAhead is by how much a record may end in the future. What lies
	// further ahead has no place in a history.
	historyAhead = 5 * time.Minute
)

// History is the traffic of subnets over time: what each interval adds to the
// counters, by the end of the records. It keeps intervals with traffic only. All
// its methods are safe for concurrent use.
type History struct {
	step int64 // length of an interval in seconds
	most int64
	full func()
	now  func() time.Time

	size atomic.Int64 // amounts in the history and in tallies
	over atomic.Bool

	mu      sync.Mutex
	amounts amounts
	untimed uint64
}

// NewHistory returns an empty history. Resolution is the length of its intervals,
// whole seconds and at least one. Full is called when there is more than
// MostHistory takes, perhaps several times: from then on the history is worth
// nothing.
func NewHistory(resolution time.Duration, full func()) *History {
	return &History{step: int64(resolution / time.Second), most: MostHistory, full: full, now: time.Now, amounts: newAmounts()}
}

// Full reports whether there was more than the history takes.
func (h *History) Full() bool { return h.over.Load() }

// Untimed is how many placed records have no end, or one in the future: they are
// in no interval.
func (h *History) Untimed() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.untimed
}

// instant says which amount: of an interval, a subnet by its slot, and a class.
type instant uint64

func instantOf(interval int64, slot int, c Class) instant {
	return instant(uint64(interval)<<32 | uint64(slot)<<2 | uint64(c))
}

func (i instant) interval() int64 { return int64(i >> 32) }
func (i instant) slot() int       { return int(uint32(i) >> 2) }
func (i instant) class() Class    { return Class(i & 3) }

// amounts are sparse sums. A map of numbers and a slice take less than a map of
// amounts, and an amount is found once for neighbours.
type amounts struct {
	index map[instant]uint32
	sums  []Amount
}

func newAmounts() amounts { return amounts{index: map[instant]uint32{}} }

// of returns the sum at an instant, a new one where there is none.
func (a *amounts) of(at instant) (n uint32, added bool) {
	n, ok := a.index[at]
	if !ok {
		n = uint32(len(a.sums))
		a.index[at], a.sums = n, append(a.sums, Amount{})
	}
	return n, !ok
}

// HistoryTally adds up one body for a history. It belongs to one worker.
type HistoryTally struct {
	history *History
	amounts amounts
	untimed uint64
}

// Tally returns an empty tally. The subnets of all records must be of one list.
func (h *History) Tally() *HistoryTally { return &HistoryTally{history: h, amounts: newAmounts()} }

// Observe adds the placed records among records. The slice is not kept.
func (t *HistoryTally) Observe(records []flow.Record) {
	latest := t.history.now().Add(historyAhead).Unix()
	last, sum := instant(0), -1 // neighbours mostly are of one instant
	for i := range records {
		r := &records[i]
		if r.Subnet == nil {
			continue
		}
		if r.End <= 0 || r.End > latest {
			t.untimed++
			continue
		}
		if at := instantOf(r.End/t.history.step, r.Subnet.Slot, classOf(r)); sum < 0 || at != last {
			if last, sum = at, t.find(at); sum < 0 {
				return
			}
		}
		t.amounts.sums[sum].add(Amount{r.Bytes, r.Packets, 1})
	}
}

// find returns the sum at an instant, -1 when the history is full.
func (t *HistoryTally) find(at instant) int {
	h := t.history
	if h.over.Load() {
		return -1
	}
	n, added := t.amounts.of(at)
	if added && h.size.Add(1) > h.most {
		h.over.Store(true)
		h.full()
	}
	return int(n)
}

// Apply moves the tally into the history and leaves it empty.
func (t *HistoryTally) Apply() {
	h := t.history
	h.mu.Lock()
	defer h.mu.Unlock()
	h.untimed += t.untimed
	for at, from := range t.amounts.index {
		to, added := h.amounts.of(at)
		if !added {
			h.size.Add(-1)
		}
		h.amounts.sums[to].add(t.amounts.sums[from])
	}
	t.empty()
}

// Discard forgets what was observed since the last Apply.
func (t *HistoryTally) Discard() {
	t.history.size.Add(-int64(len(t.amounts.index)))
	t.empty()
}

// empty keeps the memory of an ordinary body only.
func (t *HistoryTally) empty() {
	t.untimed = 0
	if len(t.amounts.sums) > 10_000 {
		t.amounts = newAmounts()
		return
	}
	clear(t.amounts.index)
	t.amounts.sums = t.amounts.sums[:0]
}
