package flowlog

import "github.com/flowlog-exporter/flowlog-exporter/internal/flow"

// quick reads the line at p, up to the byte that ends it, the way AWS writes
// lines: columns one blank apart, plain ASCII, amounts of up to 15 digits, times
// of ten. It returns where the line ends; 0 when it is written otherwise or is no
// line of the format: Parse is to be asked then. What it reads it reads as Parse
// does.
//
// It expects rec to hold nothing but what quick left there for a line of the
// same format, and what others add to a record. It leaves nothing of either. An
// EventID is not its affair.
func (f *Format) quick(w *window, p uint, end byte, rec *flow.Record, b *before) (to uint, result Result) {
	if b.format != f {
		b.forget(f)
	}
	if f.opens {
		if at := b.opening(w, p, rec); at > 0 {
			return f.behindOpening(w, p, at, end, rec, b)
		}
		if f.behind == nil {
			if n, status := b.idle(w.from(p)); n > 0 && w.at(p+n) == end {
				return p + n, status
			}
		}
	}
	rec.Direction, rec.Ambiguous, rec.UsualEnd, rec.Subnet = flow.DirectionUnknown, false, flow.DirectionUnknown, nil
	b.pairEnd = 0
	return f.columnwise(f.plan, w, p, p, end, rec, b)
}

// behindOpening reads the rest of a line that begins at from and whose opening
// ends at p.
func (f *Format) behindOpening(w *window, from, p uint, end byte, rec *flow.Record, b *before) (to uint, result Result) {
	if f.behind != nil {
		if w.at(p) != ' ' {
			return 0, 0
		}
		b.pairFrom = from + b.opened.head.size + 1
		return f.columnwise(f.behind, w, from, p+1, end, rec, b)
	}
	if w.at(p) != end {
		return 0, 0
	}
	b.store(rec)
	return p, Parsed
}

// columnwise reads the columns of a line that begins at from, from step s at p on.
func (f *Format) columnwise(s *step, w *window, from, p uint, end byte, rec *flow.Record, b *before) (to uint, result Result) {
	if p, result = b.walk(s, w, p, rec); p == 0 || w.at(p) != end {
		return 0, 0
	}
	if result != Parsed {
		return p, result
	}
	if f.status < 0 && f.vitals > 0 && b.absent == f.vitals {
		return p, NoData
	}
	if f.opens && b.opened.head.size == 0 {
		b.opened.remember(b.runs[0], b.runs[1])
	}
	b.changed = b.changed || f.attached
	b.store(rec)
	if f.attached && rec.Direction != flow.DirectionUnknown {
		f.attach(w[from:p], rec)
	}
	return p, Parsed
}

// walk reads the columns of a step and of all behind it. It returns where the
// last one ends, 0 when one is written otherwise, and what log-status says.
func (b *before) walk(s *step, w *window, p uint, rec *flow.Record) (end uint, status Result) {
	b.w, b.rec, b.absent, b.result = w, rec, 0, Parsed
	for {
		at := s.usual(s, b, p)
		if at >= lineRoom {
			if at = s.other(s, b, p); at >= lineRoom {
				return 0, 0
			}
		}
		if s = s.next; s == nil {
			return at, b.result
		}
		if w[at] != ' ' {
			return 0, 0
		}
		p = at + 1
	}
}

// before is what a line has in common with those before it in the buffer. Its
// texts are views into that: it is valid as long as the block's records are.
type before struct {
	// format is that of the lines.
	format *Format
	// w is where the line being read stands, and rec what it becomes.
	w   *window
	rec *flow.Record
	// runs are the groups of steady columns as they were written last; empty
	// where none are remembered.
	runs [maxRuns]run
	// opened is that of the line before, where the format has one.
	opened opened
	// names are those of the line being read, start and end its times.
	names      flow.Names
	start, end int64
	// shared are the names of the record before, which the next one shares
	// unless they have changed.
	shared  *flow.Names
	changed bool
	// pairFrom and pairEnd are where its srcaddr and dstaddr stand; pairEnd is 0
	// where its opening was not read by one look.
	pairFrom, pairEnd uint
	// absent counts its vital columns that are "-".
	absent int
	// result is what its log-status says.
	result Result
	// met are the addresses of the line before, IPv4 and IPv6, that had nothing to
	// do with the usual one.
	met [2]pairOf
	// from is what surrounds the lines.
	from origin
	// addrs and roster outlive the buffer.
	addrs  *knownAddrs
	roster roster
}

// roster is the names of the records in a block, which the next one uses again.
type roster struct {
	list []*flow.Names
	used int
}

// spare returns names that no record of the block has yet. They are taken by
// adding one to used.
func (r *roster) spare() *flow.Names {
	if r.used == len(r.list) {
		r.list = append(r.list, new(flow.Names))
	}
	return r.list[r.used]
}

// forget makes ready for lines of another buffer or format.
func (b *before) forget(f *Format) {
	if b.addrs == nil {
		b.addrs = new(knownAddrs)
	}
	b.addrs.shorts[usualPlace] = shortAddr{}
	*b = before{format: f, changed: true, from: b.from, addrs: b.addrs, roster: b.roster}
}

// store gives rec the names and times of the line.
func (b *before) store(rec *flow.Record) {
	if b.changed {
		b.share()
	}
	rec.Start, rec.End, rec.Names = b.start, b.end, b.shared
}

// share makes names of those of the line, for its record and those to come. It is
// called once for many records: let store be inlined instead.
//
//go:noinline
func (b *before) share() {
	b.shared, b.changed = b.roster.spare(), false
	b.roster.used++
	*b.shared = b.names
	b.from.complete(b.shared)
}
