package flowlog

import (
	"slices"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// openingColumns are those that the default format consists of, and that custom
// formats mostly begin with.
var openingColumns = []op{
	opCheck, opAccountID, opInterfaceID, opSrc, opDst, opSrcPort, opDstPort, opProtocol, opPackets, opBytes,
	opStart, opEnd, opAction, opStatus,
}

// opening reports whether lines of the format begin with openingColumns, and
// returns the step behind these.
func (f *Format) opening() (behind *step, ok bool) {
	n := len(openingColumns)
	if len(f.columns) < n || !slices.EqualFunc(f.columns[:n], openingColumns, func(c column, o op) bool { return c.op == o }) {
		return nil, false
	}
	for behind = f.plan; n > 0; behind = behind.next {
		n -= len(behind.columns)
	}
	return behind, n == 0
}

// opening is what an opening has in common with the one before: the columns in
// front of the addresses, and the times.
type opening struct {
	// head is the text of the former, size bytes, as window.load returns it
	// eight bytes at a time; mask leaves out what follows it. A size of 0 is of
	// none.
	head, mask [5]uint64
	size       uint
	// times are the eight bytes at 0, 8 and 13 of start and end.
	times [3]uint64
}

const (
	timesSize = 2*10 + 1
	lastEight = timesSize - 8
)

// remember takes an opening from the runs of steady columns, if these are as
// long as they mostly are.
func (o *opening) remember(head, times run) {
	if head.size == 0 || head.size > uint(8*len(o.head)) || times.size != timesSize {
		return
	}
	o.size = head.size
	for i := range o.head {
		o.mask[i] = ^uint64(0)
		if left := max(int(head.size)-8*i, 0); left < 8 {
			o.mask[i] = 1<<(8*left) - 1
		}
		o.head[i] = head.in.load(head.from + 8*uint(i))
	}
	o.times = [3]uint64{times.in.load(times.from), times.in.load(times.from + 8), times.in.load(times.from + lastEight)}
}

// opening reads an opening as nearly all are: of the same interface and times as
// the one before, between two addresses, with log-status OK. It returns where it
// ends, or otherwise.
func (b *before) opening(w *window, p uint, rec *flow.Record) uint {
	o := &b.opened
	odd := (w.load(p)^o.head[0])&o.mask[0] | (w.load(p+8)^o.head[1])&o.mask[1] | (w.load(p+16)^o.head[2])&o.mask[2] |
		(w.load(p+24)^o.head[3])&o.mask[3] | (w.load(p+32)^o.head[4])&o.mask[4]
	p += o.size
	if odd != 0 || o.size == 0 || w.at(p) != ' ' {
		return otherwise
	}
	if p = b.addrs.pair(w, p+1, rec); p >= lineRoom || w.at(p) != ' ' {
		return otherwise
	}
	if p = w.tuple(p+1, rec); p >= lineRoom || w.at(p) != ' ' {
		return otherwise
	}
	odd = (w.load(p+1) ^ o.times[0]) | (w.load(p+9) ^ o.times[1]) | (w.load(p+1+lastEight) ^ o.times[2])
	if odd != 0 || w.at(p+1+timesSize) != ' ' {
		return otherwise
	}
	return w.verdict(p+timesSize+2, rec)
}
