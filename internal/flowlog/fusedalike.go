package flowlog

import "bytes"

// alikeEvents reads events from s on that are like the one at last, which has just
// been read: of the same time and interface, and with an id that differs in its
// last eight digits, as nearly all events of an envelope are. It reports whether
// another one follows, which is not so or finds no place that is ready.
func (r *Reader) alikeEvents(s *scanner, last *window) (more bool) {
	b, f := &r.before, r.before.format
	places, read, at := r.places(f), 0, s.pos
	alike := (lineAt + b.opened.head.size + 1) & openingMask
	for more = true; more && read < len(places); read++ {
		w := windowAt(s.buf, at)
		if w == nil {
			break
		}
		// All that stands in front of the addresses, but for the last digits of the id.
		odd := (w.load(0) ^ last.load(0)) | (w.load(8) ^ last.load(8)) | (w.load(16) ^ last.load(16)) | (w.load(24) ^ last.load(24)) |
			(w.load(32) ^ last.load(32)) | (w.load(40) ^ last.load(40)) | (w.load(serialAt-8) ^ last.load(serialAt-8)) | w.strays(serialAt)&highs
		if odd != 0 || !bytes.Equal(w[serialAt+8:alike], last[serialAt+8:alike]) {
			break
		}
		rec := &places[read]
		end := b.behindHead(w, alike, rec)
		if end == 0 {
			break
		}
		if f.behind == nil {
			b.store(rec)
		} else if at, result := f.behindOpening(w, lineAt, end, '"', rec, b); at == 0 || result != Parsed {
			break
		} else {
			end = at
		}
		tail := w.load4(end) & (1<<24 - 1)
		if more = tail == moreEvents; !more && tail != lastEvent || at+int(end)+3 > len(s.buf) {
			more = true
			break
		}
		rec.EventID = w[idAt : idAt+idDigits : idAt+idDigits]
		last, at = w, at+int(end)+3
	}
	s.pos = at
	r.block.Records = r.block.Records[:len(r.block.Records)+read]
	if r.doc.total += read; !more {
		r.doc.note(last[idAt : idAt+idDigits : idAt+idDigits])
	}
	return more
}

// serialAt is where the last eight digits of an id stand.
const serialAt = idAt + idDigits - 8

// What follows a line that is not the last of its envelope, and one that is.
const (
	moreEvents = '"' | '}'<<8 | ','<<16
	lastEvent  = '"' | '}'<<8 | ']'<<16
)
