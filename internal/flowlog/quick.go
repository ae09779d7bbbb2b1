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
	from := p
	b.absent = 0
	rec.Direction, rec.Ambiguous, rec.Subnet = flow.DirectionUnknown, false, nil
	for i := range f.plan {
		if p >= lineRoom {
			return 0, 0
		}
		s := &f.plan[i]
		switch s.way {
		case waySteady:
			p = b.runs[s.run&(maxRuns-1)].read(w, p, s.columns, &b.names)
		case wayWords:
			p = words(w, p, s.columns, &b.names)
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
		if p == 0 || w.at(p) != sep {
			return 0, 0
		}
		p++
	}
	if f.status < 0 && f.vitals > 0 && b.absent == f.vitals {
		result = NoData
	}
	if result == Parsed {
		b.store(rec)
		if rec.Direction != flow.DirectionUnknown && f.attaches() {
			f.attach(w[from:p-1], rec)
		}
	}
	return p - 1, result
}

// before is what a line has in common with those before it in the buffer. Its
// texts are views into that: it is valid as long as the block's records are.
type before struct {
	// format is that of the lines.
	format *Format
	runs   [maxRuns]run
	// times are start and end as they were written last.
	times [2]clock
	// numbers are the values of the line being read; those that the format
	// lacks stay 0. There is room for any index of four bits.
	numbers [16]uint64
	// names are its texts.
	names names
	// absent counts its vital columns that are "-".
	absent int
	// addrs outlives the buffer.
	addrs *knownAddrs
}

// names are the texts of a line that a record keeps.
type names struct {
	accountID, interfaceID, vpcID, subnetID, instanceID, region, azID, rejectReason []byte
}

// clock is a time of ten digits as window.load returns the first eight of them
// and the last eight.
type clock struct{ head, tail uint64 }

// midnight is the clock of the time 0.
var midnight = clock{zeros, zeros}

// forget makes ready for lines of another buffer or format.
func (b *before) forget(f *Format) {
	if b.addrs == nil {
		b.addrs = new(knownAddrs)
	}
	b.format, b.times, b.numbers, b.names = f, [2]clock{midnight, midnight}, [16]uint64{}, names{}
	for i := range b.runs {
		b.runs[i].text = nil
	}
}

// store gives rec the numbers and texts of the line.
func (b *before) store(rec *flow.Record) {
	n := &b.numbers
	rec.SrcPort, rec.DstPort = uint16(n[opSrcPort]), uint16(n[opDstPort])
	rec.Protocol, rec.TCPFlags, rec.TrafficPath = uint8(n[opProtocol]), uint8(n[opTCPFlags]), uint8(n[opTrafficPath])
	rec.Packets, rec.Bytes = n[opPackets], n[opBytes]
	rec.Start, rec.End = int64(n[opStart]), int64(n[opEnd])
	rec.AccountID, rec.InterfaceID = b.names.accountID, b.names.interfaceID
	if b.format.named {
		b.names.store(rec)
	}
}

// store gives rec the texts that the default format lacks.
func (n *names) store(rec *flow.Record) {
	rec.VPCID, rec.SubnetID, rec.AZID = n.vpcID, n.subnetID, n.azID
	rec.InstanceID, rec.Region, rec.RejectReason = n.instanceID, n.region, n.rejectReason
}
