package flowlog

import "github.com/flowlog-exporter/flowlog-exporter/internal/flow"

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
	if b.format != f {
		b.forget(f)
	}
	if f.bare {
		rec.AccountID, rec.InterfaceID = nil, nil
	}
	rec.Action, rec.Direction, rec.Ambiguous, rec.Subnet = flow.ActionNone, flow.DirectionUnknown, false, nil
	b.absent = 0
	p := uint(0)
	for i := range f.plan {
		if p >= lineRoom {
			return 0, 0
		}
		s := &f.plan[i]
		switch s.way {
		case waySteady:
			p = b.runs[s.run&(maxRuns-1)].read(w, p, s.columns, rec)
		case wayWords:
			p = words(w, p, s.columns, rec)
		case wayNumbers:
			p = b.readNumbers(w, p, s.columns)
		case wayTimes:
			p = b.readTimes(w, p, s.columns)
		case wayAddrs:
			p = b.readAddrs(w, p, s.columns, rec)
		case wayAction:
			p, rec.Action = action(w, p)
		case wayDirection:
			p, rec.Direction = direction(w, p)
		case wayStatus:
			p, result = status(w, p)
		}
		sep := byte(' ')
		if s.last {
			sep = end
		}
		if p == 0 || w[p] != sep {
			return 0, 0
		}
		p++
	}
	b.store(rec)
	if f.status < 0 && f.vitals > 0 && b.absent == f.vitals {
		return p - 1, NoData
	}
	if rec.Direction != flow.DirectionUnknown && f.attaches() {
		f.attach(w[:p-1], rec)
	}
	return p - 1, result
}

// before is what a line has in common with those before it in the buffer. Its
// texts are views into that: it is valid as long as the block's records are.
type before struct {
	// format is that of the lines.
	format *Format
	runs   [maxRuns]run
	// times are the first digits of start and end.
	times [2]decade
	// numbers are the values of the line being read; those that the format
	// lacks stay 0. There is room for any index of four bits.
	numbers [16]uint64
	// ends are where srcaddr and dstaddr stand in the line being read.
	ends [2]span
	// absent counts its vital columns that are "-".
	absent int
}

// decade is a hundred seconds: the first eight digits of a time, as window.load
// returns them, and the time that they begin.
type decade struct{ digits, from uint64 }

// span is where a column stands in a window.
type span struct{ at, n uint }

// forget makes ready for lines of another buffer or format.
func (b *before) forget(f *Format) {
	b.format, b.times, b.numbers = f, [2]decade{{zeros, 0}, {zeros, 0}}, [16]uint64{}
	for i := range b.runs {
		b.runs[i].text = nil
	}
}

// store gives rec the numbers of the line.
func (b *before) store(rec *flow.Record) {
	n := &b.numbers
	rec.SrcPort, rec.DstPort = uint16(n[opSrcPort]), uint16(n[opDstPort])
	rec.Protocol, rec.TCPFlags, rec.TrafficPath = uint8(n[opProtocol]), uint8(n[opTCPFlags]), uint8(n[opTrafficPath])
	rec.Packets, rec.Bytes = n[opPackets], n[opBytes]
	rec.Start, rec.End = int64(n[opStart]), int64(n[opEnd])
}
