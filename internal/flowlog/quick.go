package flowlog

import (
	"math/bits"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

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

// quick reads the line at the beginning of w, up to the byte that ends it, the
// way AWS writes lines: columns one blank apart, plain ASCII, amounts of up to
// 15 digits, times of ten. It returns where the line ends; 0 when it is written
// otherwise or is no line of the format: Parse is to be asked then. What it
// reads it reads as Parse does.
//
// It expects rec to hold nothing but what quick left there for a line of the
// same format, and what others add to a record. It leaves nothing of either. An
// EventID is not its affair.
func (f *Format) quick(w *window, end byte, rec *flow.Record, b *before) (length uint, result Result) {
	var (
		p        uint
		numbers  = &b.numbers
		src, dst span
		plan     = f.plan
		traffic  = f.status >= 0 || f.vitals == 0
	)
	if b.format != f {
		b.forget(f)
	}
	if f.bare {
		rec.AccountID, rec.InterfaceID = nil, nil
	}
	rec.Action, rec.Direction, rec.Ambiguous, rec.Subnet = flow.ActionNone, flow.DirectionUnknown, false, nil
	for i := 0; i < len(plan); i++ {
		if p >= lineRoom {
			return 0, 0
		}
		s, sep := &plan[i], byte(' ')
		if s.last {
			sep = end
		}
		switch s.op {
		case opSteady:
			r := &b.runs[s.run&(maxRuns-1)]
			if r.from = p; r.take(w[p:lineRoom], rec) {
				p += uint(len(r.text))
				i = s.jump
			}
			continue
		case opNote:
			r := &b.runs[s.run&(maxRuns-1)]
			r.note(w[r.from:p], plan[s.jump:i])
			continue
		case opCheck, opSrcPort, opDstPort, opProtocol, opTCPFlags, opTrafficPath, opPackets, opBytes:
			t, digits := w.load(p)^zeros, uint(0)
			if m := notDigits(t); m != 0 {
				at := uint(bits.TrailingZeros64(m)) // 7, 15, … 63
				t, digits = eightDigits(t<<((71-at)&63)), at/8
			} else {
				t, digits = w.longNumber(t, p)
			}
			switch {
			case digits > 0 && t <= s.limit:
				traffic = traffic || s.vital
			case digits == 0 && w[p] == '-':
				t, digits = 0, 1
			default:
				return 0, 0
			}
			numbers[s.op&15] = t
			p += digits
		case opStart, opEnd:
			if w[p] == '-' {
				numbers[s.op&15] = 0
				p++
				break
			}
			n, ok := w.time(p, &b.times[s.op-opStart])
			if !ok {
				return 0, 0
			}
			numbers[s.op&15] = n
			p += 10
		case opSrc, opDst, opPktSrc, opPktDst:
			var twin span
			if s.op == opPktSrc {
				twin = src
			} else if s.op == opPktDst {
				twin = dst
			}
			if n := twin.n; n > 0 && w[p+n] == sep && w.same(twin, p) {
				if p += n; s.op == opPktSrc {
					rec.PktSrc = rec.Src
				} else {
					rec.PktDst = rec.Dst
				}
				break
			}
			a, n := w.addr4(p)
			if n == 0 {
				if a, n = w.otherAddr(p); n == 0 {
					return 0, 0
				}
			}
			switch s.op {
			case opSrc:
				rec.Src, src = a, span{p, n}
			case opDst:
				rec.Dst, dst = a, span{p, n}
			case opPktSrc:
				rec.PktSrc = a
			case opPktDst:
				rec.PktDst = a
			}
			traffic = traffic || s.vital && a.IsValid()
			p += n
		case opAction:
			switch w.load(p) & six {
			case wordAccept:
				rec.Action = flow.Accept
				p += 6
			case wordReject:
				rec.Action = flow.Reject
				p += 6
			default:
				if p++; w[p-1] != '-' {
					return 0, 0
				}
			}
		case opDirection:
			switch x := w.load(p); {
			case x&seven == wordIngress:
				rec.Direction = flow.Ingress
				p += 7
			case x&six == wordEgress:
				rec.Direction = flow.Egress
				p += 6
			default:
				if p++; w[p-1] != '-' {
					return 0, 0
				}
			}
		case opStatus:
			if w[p] == 'O' && w[p+1] == 'K' {
				p += 2
				break
			}
			var ok bool
			if result, ok = statusWord(w[p:w.word(p)]); !ok { // or "-"
				return 0, 0
			}
			p += uint(len(result.Reason().String()))
		default:
			at := p
			if p = w.word(p); p == at {
				return 0, 0
			}
			s.op.keep(s.op.value(w[at:p:p]), rec)
		}
		if w[p] != sep {
			return 0, 0
		}
		p++
	}
	rec.SrcPort, rec.DstPort = uint16(numbers[opSrcPort]), uint16(numbers[opDstPort])
	rec.Protocol, rec.TCPFlags, rec.TrafficPath = uint8(numbers[opProtocol]), uint8(numbers[opTCPFlags]), uint8(numbers[opTrafficPath])
	rec.Packets, rec.Bytes = numbers[opPackets], numbers[opBytes]
	rec.Start, rec.End = int64(numbers[opStart]), int64(numbers[opEnd])
	if !traffic {
		return p - 1, NoData
	}
	if rec.Direction != flow.DirectionUnknown && f.attaches() {
		f.attach(w[:p-1], rec)
	}
	return p - 1, result
}

// span is where a column stands in a window.
type span struct{ at, n uint }

// same reports whether the text of a column stands at p again.
func (w *window) same(s span, p uint) bool {
	return string(w[p:p+s.n]) == string(w[s.at:s.at+s.n])
}
