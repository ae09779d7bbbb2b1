package flowlog

import "bytes"

// alikeEvents reads events from s on that are like the one at last, which has just
// been read: of the same time and interface, and with an id that differs in its
// last eight digits, as nearly all events of an envelope are. It reports whether
// another one follows, which is not so or finds no place.
func (r *Reader) alikeEvents(s *scanner, last *window) (more bool) {
	d, b := &r.doc, &r.before
	f, head := b.format, b.opened.size
	for len(r.block.Records) < BlockRecords {
		w := windowAt(s.buf, s.pos)
		if w == nil || !w.isAlike(last, lineAt+head) {
			return true
		}
		rec := r.place(f)
		at := b.behindHead(w, lineAt, rec)
		if at == 0 {
			return true
		}
		end, result := f.behindOpening(w, lineAt, at, '"', rec, b)
		if end == 0 {
			return true
		}
		more, ok := s.eventEnd(s.pos + int(end))
		if !ok {
			return true
		}
		rec.EventID = w[idAt : idAt+idDigits : idAt+idDigits]
		r.join(result)
		if d.total++; !more {
			d.note(rec.EventID)
			return false
		}
		last = w
	}
	return true
}

// isAlike reports whether w begins with the bytes that stand at last in front of
// size, and then a blank, but for the last eight digits of the id, which may be
// any.
func (w *window) isAlike(last *window, size uint) bool {
	const digits = idAt + idDigits - 8
	odd := (w.load(0) ^ last.load(0)) | (w.load(8) ^ last.load(8)) | (w.load(16) ^ last.load(16)) | (w.load(24) ^ last.load(24)) |
		(w.load(32) ^ last.load(32)) | (w.load(40) ^ last.load(40)) | (w.load(digits-8) ^ last.load(digits-8)) | w.strays(digits)&highs
	return odd == 0 && w.at(size) == ' ' && bytes.Equal(w[digits+8:size&openingMask], last[digits+8:size&openingMask])
}
