package flowlog

import (
	"math"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// op says how the plan of a format reads a column.
type op uint8

// The numbers come first: an op below numNumbers is the index of its value.
const (
	opCheck op = iota // a number that is not kept
	opSrcPort
	opDstPort
	opProtocol
	opTCPFlags
	opTrafficPath
	opPackets
	opBytes
	opStart
	opEnd
	numNumbers = iota
)

const (
	opSkip op = iota + numNumbers // any word, not kept
	opAccountID
	opInterfaceID
	opVPCID
	opSubnetID
	opInstanceID
	opRegion
	opAZID
	opRejectReason
	opSrc
	opDst
	opPktSrc
	opPktDst
	opAction
	opDirection
	opStatus
)

// limits are the largest values of the numbers.
var limits = [numNumbers]uint64{
	opCheck: math.MaxUint64, opSrcPort: math.MaxUint16, opDstPort: math.MaxUint16, opProtocol: math.MaxUint8,
	opTCPFlags: math.MaxUint8, opTrafficPath: math.MaxUint8, opPackets: maxAmount, opBytes: maxAmount,
}

// step is the plan's way to read one column.
type step struct {
	op op
	// vital says that the column stands in for log-status.
	vital bool
	limit uint64
}

// steps compiles the columns of a format for Format.quick.
func steps(columns []column) []step {
	plan := make([]step, len(columns))
	for i, c := range columns {
		plan[i] = step{op: c.op, vital: c.vital}
		if c.op < numNumbers {
			plan[i].limit = limits[c.op]
		}
	}
	return plan
}

// quick reads the line at the beginning of w, up to the byte that ends it, the
// way AWS writes lines: columns one blank apart, plain ASCII, amounts of up to
// 15 digits, times of ten. It returns where the line ends; 0 when it is written
// otherwise or is no line of the format: Parse is to be asked then. What it
// reads it reads as Parse does.
//
// It expects rec to hold nothing but what quick left there for a line of the
// same format, and what others add to a record: it leaves no trace of either.
func (f *Format) quick(w *window, end byte, rec *flow.Record) (length uint, result Result) {
	var (
		p       uint
		numbers [16]uint64 // numNumbers, and some so that no index can be beyond
		traffic = f.vitals == 0
		last    = len(f.plan) - 1
	)
	rec.AccountID, rec.InterfaceID, rec.EventID = nil, nil, nil
	rec.Action, rec.Direction, rec.Ambiguous, rec.Subnet = flow.ActionNone, flow.DirectionUnknown, false, nil
	for i := range f.plan {
		if p >= lineRoom {
			return 0, 0
		}
		s := &f.plan[i]
		switch s.op {
		case opCheck, opSrcPort, opDstPort, opProtocol, opTCPFlags, opTrafficPath, opPackets, opBytes:
			n, digits := w.number(p)
			if digits == 0 {
				if w[p] != '-' {
					return 0, 0
				}
				n, digits = 0, 1
			} else if traffic = traffic || s.vital; n > s.limit {
				return 0, 0
			}
			numbers[s.op&15] = n
			p += digits
		case opStart, opEnd:
			n, ok := w.tenDigits(p)
			if ok {
				p += 10
			} else if p++; w[p-1] != '-' {
				return 0, 0
			}
			numbers[s.op&15] = n
		case opSkip:
			at := p
			if p = w.word(p); p == at {
				return 0, 0
			}
		case opAccountID:
			at := p
			if p = w.word(p); p == at {
				return 0, 0
			}
			if v := w[at:p:p]; !absent(v) && string(v) != "unknown" {
				rec.AccountID = v
			}
		case opInterfaceID, opVPCID, opSubnetID, opInstanceID, opRegion, opAZID, opRejectReason:
			at := p
			if p = w.word(p); p == at {
				return 0, 0
			}
			v := w[at:p:p]
			if absent(v) {
				v = nil
			}
			switch s.op {
			case opInterfaceID:
				rec.InterfaceID = v
			case opVPCID:
				rec.VPCID = v
			case opSubnetID:
				rec.SubnetID = v
			case opInstanceID:
				rec.InstanceID = v
			case opRegion:
				rec.Region = v
			case opAZID:
				rec.AZID = v
			case opRejectReason:
				rec.RejectReason = v
			}
		case opSrc, opDst, opPktSrc, opPktDst:
			a, n := w.addr4(p)
			if n == 0 {
				if a, n = w.otherAddr(p); n == 0 {
					return 0, 0
				}
			}
			traffic = traffic || s.vital && a.IsValid()
			p += n
			switch s.op {
			case opSrc:
				rec.Src = a
			case opDst:
				rec.Dst = a
			case opPktSrc:
				rec.PktSrc = a
			case opPktDst:
				rec.PktDst = a
			}
		case opAction:
			switch w.load(p) & (1<<48 - 1) {
			case 'A' | 'C'<<8 | 'C'<<16 | 'E'<<24 | 'P'<<32 | 'T'<<40:
				rec.Action = flow.Accept
				p += 6
			case 'R' | 'E'<<8 | 'J'<<16 | 'E'<<24 | 'C'<<32 | 'T'<<40:
				rec.Action = flow.Reject
				p += 6
			default:
				if p++; w[p-1] != '-' {
					return 0, 0
				}
			}
		case opDirection:
			n := w.word(p)
			v := w[p:n]
			p = n
			if !absent(v) && !setDirection(rec, v) {
				return 0, 0
			}
		case opStatus:
			if w[p] == 'O' && w[p+1] == 'K' {
				p += 2
				traffic = true
				break
			}
			n := w.word(p)
			v := w[p:n]
			p = n
			if !absent(v) {
				var ok bool
				if result, ok = statusWord(v); !ok {
					return 0, 0
				}
				traffic = true
			}
		}
		sep := byte(' ')
		if i == last {
			sep = end
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
