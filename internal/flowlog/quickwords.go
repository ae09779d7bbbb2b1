package flowlog

import (
	"encoding/binary"
	"math"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// run is a group of steady columns as they were written last: the size bytes at
// from. A size of 0 is of none.
type run struct {
	in         *window
	from, size uint
}

// steady reads columns that are as in the line before: then what they say is so,
// too.
func (s *step) steady(b *before, p uint) uint {
	w := b.w
	r := &b.runs[s.run&(maxRuns-1)]
	end := p + r.size
	if behind := w.at(end); r.size == 0 || behind > ' ' && behind != '"' ||
		string(w[p&windowMask:end&windowMask]) != string(r.in[r.from&windowMask:(r.from+r.size)&windowMask]) {
		return otherwise
	}
	return end
}

// unsteady reads columns that are other than in the line before.
func (s *step) unsteady(b *before, p uint) uint {
	w := b.w
	r := &b.runs[s.run&(maxRuns-1)]
	r.size = 0 // the columns may turn out to be unreadable halfway
	if s.run < openingRuns {
		b.opened.head.size = 0
	}
	end := s.each(b, p)
	if end < lineRoom {
		*r = run{w, p, end - p}
	}
	return end
}

// skipped reads words that are not kept, which mostly are short.
func (s *step) skipped(b *before, p uint) uint {
	w := b.w
	for i := range s.columns {
		x, end := w.load(p), p
		switch {
		case x&two == '-'|' '<<8:
			end++
		case x&fourOrSix == wordIPv4|' '<<32:
			end += 4
		default:
			if end += first(notWord(x)); end == p+8 {
				end = w.word(end)
			}
			if end == p || end >= lineRoom || w.at(end) != ' ' && i+1 < len(s.columns) {
				return otherwise
			}
		}
		p = end + 1
	}
	return p - 1
}

// each reads the columns one by one; of those that are not kept any word will do.
func (s *step) each(b *before, p uint) uint {
	w := b.w
	for i := range s.columns {
		if i > 0 {
			if w.at(p) != ' ' {
				return otherwise
			}
			p++
		}
		at, o := p, s.columns[i].op
		if p = w.word(p); p == at || p >= lineRoom {
			return otherwise
		}
		if o != opSkip && o != opSame && !b.read(o, w[at:p:p]) {
			return otherwise
		}
	}
	return p
}

// read takes what a column says that is neither an amount nor an address; false
// when that is for Parse to judge.
func (b *before) read(o op, word []byte) (ok bool) {
	switch o {
	case opCheck:
		_, ok = number(word, math.MaxUint64)
		return ok || absent(word)
	case opStart:
		b.start, ok = clock(word)
		return ok
	case opEnd:
		b.end, ok = clock(word)
		return ok
	case opRejectReason:
		b.rec.RejectReason = o.value(word)
		return true
	}
	b.keep(o, o.value(word))
	return true
}

// clock returns the time that ten digits show, and 0 for "-".
func clock(word []byte) (seconds int64, ok bool) {
	if len(word) != 10 {
		return 0, absent(word)
	}
	head, tail := binary.LittleEndian.Uint64(word)^zeros, binary.LittleEndian.Uint64(word[2:])^zeros
	return int64(eightDigits(head)*100 + tail>>48&15*10 + tail>>56), notDigits(head)|notDigits(tail) == 0
}

// value is what a text column says: "-" is nothing, as is an account that is
// "unknown".
func (o op) value(text []byte) []byte {
	if absent(text) || o == opAccountID && string(text) == "unknown" {
		return nil
	}
	return text
}

// keep takes the value of a text column.
func (b *before) keep(o op, value []byte) {
	switch o {
	case opAccountID:
		b.names.AccountID = value
	case opInterfaceID:
		b.names.InterfaceID = value
	case opVPCID:
		b.names.VPCID = value
	case opSubnetID:
		b.names.SubnetID = value
	case opInstanceID:
		b.names.InstanceID = value
	case opRegion:
		b.names.Region = value
	case opAZID:
		b.names.AZID = value
	}
	b.changed = true
}

// The first two, six and seven bytes of eight, and the words of that length that
// columns have, as window.load returns them.
const (
	two         = 1<<16 - 1
	six         = 1<<48 - 1
	seven       = 1<<56 - 1
	wordOK      = 'O' | 'K'<<8
	wordAccept  = 'A' | 'C'<<8 | 'C'<<16 | 'E'<<24 | 'P'<<32 | 'T'<<40
	wordReject  = 'R' | 'E'<<8 | 'J'<<16 | 'E'<<24 | 'C'<<32 | 'T'<<40
	wordIPv4    = 'I' | 'P'<<8 | 'v'<<16 | '4'<<24
	fourOrSix   = 1<<40 - 1 - ('4'^'6')<<24
	wordIngress = 'i' | 'n'<<8 | 'g'<<16 | 'r'<<24 | 'e'<<32 | 's'<<40 | 's'<<48
	wordEgress  = 'e' | 'g'<<8 | 'r'<<16 | 'e'<<24 | 's'<<32 | 's'<<40
)

// words reads words of which AWS has a few.
func (s *step) words(b *before, p uint) uint {
	w, rec := b.w, b.rec
	columns := s.columns
	for i := range columns {
		x, o := w.load(p), columns[i].op
		switch {
		case o == opStatus && x&two == wordOK:
			p += 2
		case o == opAction && x&six == wordAccept:
			rec.Action = flow.Accept
			p += 6
		case o == opAction && x&six == wordReject:
			rec.Action = flow.Reject
			p += 6
		case o == opDirection && x&six == wordEgress:
			rec.Direction = flow.Egress
			p += 6
		case o == opDirection && x&seven == wordIngress:
			rec.Direction = flow.Ingress
			p += 7
		default:
			return otherwise
		}
		if w.at(p) != ' ' && i+1 < len(columns) {
			return otherwise
		}
		p++
	}
	return p - 1
}

// oddWords reads them in other words.
func (s *step) oddWords(b *before, p uint) uint {
	w, rec := b.w, b.rec
	for i := range s.columns {
		if i > 0 {
			if w.at(p) != ' ' {
				return otherwise
			}
			p++
		}
		end := w.word(p)
		if end >= lineRoom {
			return otherwise
		}
		word := w[p:end]
		ok := absent(word)
		switch s.columns[i].op {
		case opAction:
			rec.Action = flow.ActionNone
			ok = ok || setAction(rec, word)
		case opDirection:
			rec.Direction = flow.DirectionUnknown
			ok = ok || setDirection(rec, word)
		case opStatus:
			b.result, ok = statusWord(word)
		}
		if !ok {
			return otherwise
		}
		p = end
	}
	return p
}
