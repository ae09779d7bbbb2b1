package traffic

import (
	"bufio"
	"cmp"
	"io"
	"slices"
	"strconv"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// MaxGap is how many intervals without traffic have samples all the same, so that
// a series does not end for Prometheus between two flows. In a longer pause it has
// none; so a record of another year makes no endless output.
const MaxGap = 60

// WriteOpenMetrics writes the counters as they stood at the end of each interval,
// with the names and labels of the metrics: each series from 0, one interval
// before its first traffic, up to its last traffic. Subnets are those of the
// records, by slot.
func (h *History) WriteOpenMetrics(w io.Writer, subnets []*flow.Subnet) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := &samples{w: bufio.NewWriterSize(w, 64<<10), step: h.step}
	sorted, labels := h.sorted(), (&labelled{subnets: subnets}).all()
	for _, family := range families {
		out.head(family)
		for _, line := range family.lines {
			for _, label := range labels {
				from, _ := slices.BinarySearchFunc(sorted, instantOf(0, label.slot, line.class), compareOrder)
				out.begin(line.begin + label.text)
				for _, at := range sorted[from:] {
					if at.slot() != label.slot || at.class() != line.class {
						break
					}
					out.add(at.interval(), family.quantity.of(&h.amounts.sums[h.amounts.index[at]]))
				}
			}
		}
	}
	_, _ = out.w.WriteString("# EOF\n")
	return out.w.Flush() // tells of earlier failures too
}

// compareOrder compares by the series, then by the interval.
func compareOrder(a, b instant) int {
	return cmp.Or(cmp.Compare(uint32(a), uint32(b)), cmp.Compare(a.interval(), b.interval()))
}

// sorted returns the instants, those of a series together, in the order of time.
func (h *History) sorted() []instant {
	all := make([]instant, 0, len(h.amounts.index))
	for at := range h.amounts.index {
		all = append(all, at)
	}
	slices.SortFunc(all, compareOrder)
	return all
}

// samples writes the samples of one series after the other.
type samples struct {
	w    *bufio.Writer
	step int64
	line []byte

	labels string
	begun  bool
	last   int64 // the interval of the last sample
	value  uint64
}

func (s *samples) head(f *family) {
	s.line = Family{family: f}.appendHead(s.line[:0], true)
	_, _ = s.w.Write(s.line)
}

// begin begins a series with the begin of its lines.
func (s *samples) begin(labels string) { s.labels, s.begun, s.value = labels, false, 0 }

// add writes what an interval adds, and the samples of those before it.
func (s *samples) add(interval int64, more uint64) {
	from := interval - 1
	if s.begun && interval-s.last <= MaxGap+1 {
		from = s.last + 1
	}
	for i := from; i < interval; i++ {
		s.write(i)
	}
	s.value = sum(s.value, more)
	s.write(interval)
	s.begun, s.last = true, interval
}

// write writes the value as it stood at the end of an interval.
func (s *samples) write(interval int64) {
	s.line = append(s.line[:0], s.labels...)
	s.line = append(strconv.AppendUint(s.line, s.value, 10), ' ')
	s.line = append(strconv.AppendInt(s.line, (interval+1)*s.step, 10), '\n')
	_, _ = s.w.Write(s.line) // the writer remembers its first error
}
