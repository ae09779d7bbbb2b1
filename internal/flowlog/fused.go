package flowlog

import "github.com/flowlog-exporter/flowlog-exporter/internal/flow"

// This file reads envelopes in one pass: events are checked as JSON and their
// lines are parsed where they stand, and records go into the block as they come.
// It takes envelopes as CloudWatch Logs writes them: logEvents behind the other
// keys that have a meaning, without blanks, and every event as
//
//	{"id":"<56 digits>","timestamp":<13 digits>,"message":"<plain ASCII>"}
//
// Whatever is otherwise leaves the block as it was before the envelope, and the
// general way (events.go) reads that from its beginning.

// fused reads the document at s in one pass. It answers false when that is not
// possible; s and the block are as before then.
func (r *Reader) fused(s *scanner) (bool, error) {
	d, from, before := &r.doc, *s, r.mark()
	if !s.head(d, &r.scratch) || d.kind(&r.scratch) != messageData || d.coded() {
		*s = from
		return false, nil
	}
	if err := r.group(d); err != nil {
		return false, err
	}
	end := *s
	whole := r.quickEvents(&end)
	events := end
	if !whole && !end.skim(d) || !end.tail(&r.scratch) {
		r.rewind(before)
		*s = from
		return false, nil
	}
	*s = end
	if r.delivered(d) {
		r.rewind(before)
		r.block.Skipped[flow.Duplicate] += uint64(d.total)
		return true, nil
	}
	if !whole {
		return true, r.checkedEvents(events)
	}
	return true, r.flushFull()
}

// quickEvents reads events from s on into the block: all that are left, or up to
// one that it cannot read or that finds no place; false then.
func (r *Reader) quickEvents(s *scanner) bool {
	d := &r.doc
	for len(r.block.Records) < BlockRecords {
		w := windowAt(s.buf, s.pos)
		if w == nil || !w.isEvent() {
			return false
		}
		rec, end, result := r.quickLine(w, lineAt, '"')
		if end == 0 {
			return false
		}
		id := w[idAt : idAt+idDigits : idAt+idDigits]
		more, ok := s.eventEnd(s.pos + int(end))
		if !ok {
			return false
		}
		if d.total++; d.total == 1 || !more {
			d.note(id)
		}
		if result == Parsed {
			rec.EventID = id
		}
		r.join(result)
		if !more || result == Parsed && r.before.opened.head.size > 0 && !r.alikeEvents(s, w) {
			return true
		}
	}
	return false
}

// skim goes from s to the end of the events without reading their lines.
func (s *scanner) skim(d *document) bool {
	for {
		w := windowAt(s.buf, s.pos)
		if w == nil || !w.isEvent() {
			return false
		}
		line := s.pos + lineAt
		more, ok := s.eventEnd(line + plainRun(s.buf[min(line, len(s.buf)):]))
		if !ok {
			return false
		}
		if d.total++; d.total == 1 || !more {
			d.note(w[idAt : idAt+idDigits : idAt+idDigits])
		}
		if !more {
			return true
		}
	}
}

// checkedEvents reads the events at s, of which skim has found that they are
// JSON up to the end of the document.
func (r *Reader) checkedEvents(s scanner) error {
	for !r.quickEvents(&s) {
		if len(r.block.Records) < BlockRecords {
			var e event
			s.event(&e, &r.scratch)
			if err := r.event(&e); err != nil || !s.take(',') {
				return err
			}
		}
		if err := r.flushFull(); err != nil {
			return err
		}
	}
	return r.flushFull()
}

// The text of an event around its id, timestamp and line, and where these stand.
const (
	eventHead = `{"id":"`
	eventTime = `","timestamp":`
	eventLine = `,"message":"`

	idAt, idDigits     = 7, 56
	timeAt, timeDigits = 77, 13
	lineAt             = 102
)

// isEvent reports whether w begins with an event as far as its line. All bytes
// are looked at, some of them twice: those of the id by the upper half, which is
// that of digits and of six signs that stand for themselves in JSON as well.
func (w *window) isEvent() bool {
	text := w.load(0)<<8 ^ word64("\x00"+eventHead)
	text |= w.load(idAt+idDigits) ^ word64(eventTime)
	text |= w.load(timeAt-8) ^ word64(eventTime[len(eventTime)-8:])
	text |= w.load(timeAt+timeDigits) ^ word64(eventLine)
	text |= w.load(lineAt-8) ^ word64(eventLine[len(eventLine)-8:])
	a, b, c, d := w.load(idAt), w.load(idAt+8), w.load(idAt+16), w.load(idAt+24)
	e, f, g := w.load(idAt+32), w.load(idAt+40), w.load(idAt+48)
	text |= (((a | b | c | d | e | f | g) ^ zeros) | ((a & b & c & d & e & f & g) ^ zeros)) & (0xf0 * ones)
	digits := w.strays(timeAt) | w.strays(timeAt+timeDigits-8)
	return text|digits&highs == 0 && w[timeAt] != '0' // no number begins with 0
}

// strays has high bits set where the eight bytes at p are not all digits.
func (w *window) strays(p uint) uint64 {
	return stray(w.load(p) ^ zeros)
}

// eventEnd goes behind the event whose line ends at end; more says that another
// event follows.
func (s *scanner) eventEnd(end int) (more, ok bool) {
	if end+3 > len(s.buf) {
		return false, false
	}
	text := s.buf[end : end+3]
	if more = text[2] == ','; text[0] != '"' || text[1] != '}' || !more && text[2] != ']' {
		return false, false
	}
	s.pos = end + 3
	return more, true
}

// note takes the id of the first or of the last event.
func (d *document) note(id []byte) {
	d.last.id = value{kindString, true, id}
	if d.total == 1 {
		d.events = append(d.events, d.last)
	}
}

// mark is what a block was when an envelope began.
type mark struct {
	records, names int
	skipped        flow.Reasons
}

func (r *Reader) mark() mark {
	return mark{len(r.block.Records), r.before.roster.used, r.block.Skipped}
}

// rewind takes back what came into the block since.
func (r *Reader) rewind(to mark) {
	r.block.Records, r.block.Skipped = r.block.Records[:to.records], to.skipped
	r.before.roster.used, r.before.changed = to.names, true
}
