package flowlog

import (
	"math"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// run is a group of steady columns as they were, empty when none are remembered.
type run struct{ text []byte }

// read reads steady columns, with one look when they are as before: then their
// names are, too.
func (r *run) read(w *window, p uint, columns []column, to *names) uint {
	line := w[p&windowMask:]
	if n := len(r.text); n > 0 && n < len(line) && string(line[:n]) == string(r.text) && line[n] <= ' ' {
		return p + uint(n)
	}
	r.text = nil // the columns may turn out to be unreadable halfway
	end := words(w, p, columns, to)
	if end > 0 {
		r.text = w[p:end:end]
	}
	return end
}

// words reads columns of text, and numbers that are not kept.
func words(w *window, p uint, columns []column, to *names) uint {
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
		to.keep(c, c.value(word))
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

// keep takes the value of a text column; others have none.
func (n *names) keep(o op, value []byte) {
	switch o {
	case opAccountID:
		n.accountID = value
	case opInterfaceID:
		n.interfaceID = value
	case opVPCID:
		n.vpcID = value
	case opSubnetID:
		n.subnetID = value
	case opInstanceID:
		n.instanceID = value
	case opRegion:
		n.region = value
	case opAZID:
		n.azID = value
	case opRejectReason:
		n.rejectReason = value
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
	if w.at(p) == 'O' && w.at(p+1) == 'K' {
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
	if w.at(p) == '-' {
		return p + 1
	}
	return 0
}
