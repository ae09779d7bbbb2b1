package flowlog

import (
	"math"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// run is a group of steady columns.
type run struct {
	// text is the columns as they were, empty when none are remembered.
	text []byte
	// kept are the texts that a record takes from them.
	kept []keptText
}

type keptText struct {
	op   op
	text []byte
}

// read reads steady columns, with one look when they are as before.
func (r *run) read(w *window, p uint, columns []column, rec *flow.Record) uint {
	line := w[p:]
	if n := len(r.text); n > 0 && n < len(line) && string(line[:n]) == string(r.text) && line[n] <= ' ' {
		for i := range r.kept {
			r.kept[i].op.keep(r.kept[i].text, rec)
		}
		return p + uint(n)
	}
	end := words(w, p, columns, rec)
	if end > 0 {
		r.note(w[p:end:end], columns)
	}
	return end
}

// note remembers columns.
func (r *run) note(text []byte, columns []column) {
	r.text, r.kept = text, r.kept[:0]
	for i := range columns {
		word, rest := token(text)
		if text = rest; columns[i].op >= opAccountID {
			r.kept = append(r.kept, keptText{columns[i].op, columns[i].op.value(word)})
		}
	}
}

// words reads columns of text, and numbers that are not kept.
func words(w *window, p uint, columns []column, rec *flow.Record) uint {
	for i := range columns {
		if i > 0 {
			if p = w.next(p); p == 0 {
				return 0
			}
		}
		at := p
		if p = w.word(p); p == at || p >= lineRoom {
			return 0
		}
		word, c := w[at:p:p], columns[i].op
		if c == opCheck && !absent(word) {
			if _, ok := number(word, math.MaxUint64); !ok {
				return 0
			}
		}
		c.keep(c.value(word), rec)
	}
	return p
}

// value is what a text column says: "-" is nothing, as is an account that is
// "unknown".
func (o op) value(text []byte) []byte {
	if absent(text) || o == opAccountID && string(text) == "unknown" {
		return nil
	}
	return text
}

// keep stores the value of a text column; others have none.
func (o op) keep(value []byte, rec *flow.Record) {
	switch o {
	case opAccountID:
		rec.AccountID = value
	case opInterfaceID:
		rec.InterfaceID = value
	case opVPCID:
		rec.VPCID = value
	case opSubnetID:
		rec.SubnetID = value
	case opInstanceID:
		rec.InstanceID = value
	case opRegion:
		rec.Region = value
	case opAZID:
		rec.AZID = value
	case opRejectReason:
		rec.RejectReason = value
	}
}

// The first six and seven bytes of eight, and the words of that length that
// columns have, as window.load returns them.
const (
	six         = 1<<48 - 1
	seven       = 1<<56 - 1
	wordAccept  = 'A' | 'C'<<8 | 'C'<<16 | 'E'<<24 | 'P'<<32 | 'T'<<40
	wordReject  = 'R' | 'E'<<8 | 'J'<<16 | 'E'<<24 | 'C'<<32 | 'T'<<40
	wordIngress = 'i' | 'n'<<8 | 'g'<<16 | 'r'<<24 | 'e'<<32 | 's'<<40 | 's'<<48
	wordEgress  = 'e' | 'g'<<8 | 'r'<<16 | 'e'<<24 | 's'<<32 | 's'<<40
)

// action reads an action.
func action(w *window, p uint) (uint, flow.Action) {
	switch w.load(p) & six {
	case wordAccept:
		return p + 6, flow.Accept
	case wordReject:
		return p + 6, flow.Reject
	}
	return dash(w, p), flow.ActionNone
}

// direction reads a flow-direction.
func direction(w *window, p uint) (uint, flow.Direction) {
	switch x := w.load(p); {
	case x&seven == wordIngress:
		return p + 7, flow.Ingress
	case x&six == wordEgress:
		return p + 6, flow.Egress
	}
	return dash(w, p), flow.DirectionUnknown
}

// status reads a log-status, which must not be "-".
func status(w *window, p uint) (uint, Result) {
	if w[p] == 'O' && w[p+1] == 'K' {
		return p + 2, Parsed
	}
	end := w.word(p)
	result, ok := statusWord(w[p:end])
	if !ok {
		return 0, 0
	}
	return end, result
}

// dash reads "-".
func dash(w *window, p uint) uint {
	if w[p] == '-' {
		return p + 1
	}
	return 0
}
