package flowlog

import (
	"math"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// op says what a step of a plan does: read a column, or what steady columns need.
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
	opSame                        // the same, but that it mostly is as in the line before
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
	opSteady // steady columns begin: pass over them if they are as before
	opNote   // steady columns end, which were not as before: remember them
)

// limits are the largest values of the numbers.
var limits = [numNumbers]uint64{
	opCheck: math.MaxUint64, opSrcPort: math.MaxUint16, opDstPort: math.MaxUint16, opProtocol: math.MaxUint8,
	opTCPFlags: math.MaxUint8, opTrafficPath: math.MaxUint8, opPackets: maxAmount, opBytes: maxAmount,
}

// step is one step of the plan of a format.
type step struct {
	op op
	// vital says that the column tells whether there was traffic.
	vital bool
	// last says that the column is the last of its line.
	last bool
	// run is of opSteady and opNote the index in before.runs; jump is of opSteady
	// the last step of the run, opNote, and of that the first column.
	run, jump int
	limit     uint64
}

// maxRuns is how many groups of steady columns a plan minds.
const maxRuns = 8

// steps compiles the columns of a format for Format.quick.
func (f *Format) steps() []step {
	var plan []step
	runs, begun := 0, -1
	for i, c := range f.columns {
		if steady := c.op.steady() && i < len(f.columns)-1; steady && begun < 0 && runs < maxRuns {
			begun = len(plan)
			plan = append(plan, step{op: opSteady, run: runs})
		} else if !steady && begun >= 0 {
			plan[begun].jump = len(plan)
			plan = append(plan, step{op: opNote, run: runs, jump: begun + 1})
			runs, begun = runs+1, -1
		}
		s := step{op: c.op, vital: c.vital && f.status < 0, last: i == len(f.columns)-1}
		if c.op < numNumbers {
			s.limit = limits[c.op]
		}
		plan = append(plan, s)
	}
	return plan
}

// steady reports whether a column mostly has the same value in all lines of an
// interface.
func (o op) steady() bool {
	return o == opCheck || o >= opSame && o <= opAZID
}

// value is what a text column says: "-" is nothing, as is an account that is
// "unknown".
func (o op) value(text []byte) []byte {
	if absent(text) || o == opAccountID && string(text) == "unknown" {
		return nil
	}
	return text
}

// keep stores the value of a text column. Others it leaves out.
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

// before is what lines have in common with those before them in the buffer. Its
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
}

// decade is ten times ten seconds: the first eight digits of a time, as
// window.load returns them, and the time that they begin.
type decade struct{ digits, from uint64 }

// run is a group of steady columns.
type run struct {
	// text is the columns with the blanks behind them, empty when none are
	// remembered.
	text []byte
	// kept are the texts that a record takes from them.
	kept []keptText
	// from is where they stand in the line.
	from uint
}

type keptText struct {
	op   op
	text []byte
}

// forget makes ready for lines of another buffer or format.
func (b *before) forget(f *Format) {
	b.format, b.times, b.numbers = f, [2]decade{{zeros, 0}, {zeros, 0}}, [16]uint64{}
	for i := range b.runs {
		b.runs[i].text = nil
	}
}

// note remembers columns, which steps have read.
func (r *run) note(columns []byte, steps []step) {
	r.text, r.kept = columns, r.kept[:0]
	for i := range steps {
		text, rest := token(columns)
		if columns = rest; steps[i].op >= opAccountID {
			r.kept = append(r.kept, keptText{steps[i].op, steps[i].op.value(text)})
		}
	}
}

// take gives rec the texts of the columns if they stand at the beginning of line.
func (r *run) take(line []byte, rec *flow.Record) bool {
	if n := len(r.text); n == 0 || n > len(line) || string(line[:n]) != string(r.text) {
		return false
	}
	for i := range r.kept {
		r.kept[i].op.keep(r.kept[i].text, rec)
	}
	return true
}
