package flowlog

import "math"

// op says where the value of a column goes.
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
)

// limits are the largest values of the numbers; times have none of their own.
var limits = [numNumbers]uint64{
	opCheck: math.MaxUint64, opSrcPort: math.MaxUint16, opDstPort: math.MaxUint16, opProtocol: math.MaxUint8,
	opTCPFlags: math.MaxUint8, opTrafficPath: math.MaxUint8, opPackets: maxAmount, opBytes: maxAmount,
}

// way is how Format.quick reads columns.
type way uint8

const (
	waySteady    way = iota // words that mostly are as in the line before
	wayWords                // other words
	wayNumbers              // amounts, ports and codes
	wayTimes                // start and end
	wayAddrs                // addresses
	wayAction               // action
	wayDirection            // flow-direction
	wayStatus               // log-status
)

// way returns how the column is read.
func (o op) way() way {
	switch {
	case o == opCheck || o >= opSame && o <= opAZID:
		return waySteady
	case o == opStart || o == opEnd:
		return wayTimes
	case o < numNumbers:
		return wayNumbers
	case o >= opSrc && o <= opPktDst:
		return wayAddrs
	case o == opAction:
		return wayAction
	case o == opDirection:
		return wayDirection
	case o == opStatus:
		return wayStatus
	}
	return wayWords
}

// step reads columns that follow each other and are read the same way.
type step struct {
	way     way
	columns []column
	// last says that the line ends behind them.
	last bool
	// run is the index of steady columns in before.runs.
	run int
}

// maxRuns is of how many groups of steady columns a line is remembered.
const maxRuns = 8

// steps compiles the columns for quick.
func (f *Format) steps() (plan []step) {
	runs := 0
	for i := 0; i < len(f.columns); {
		s := step{way: f.columns[i].op.way()}
		from := i
		for i < len(f.columns) && f.columns[i].op.way() == s.way {
			i++
		}
		s.columns, s.last = f.columns[from:i], i == len(f.columns)
		if s.way == waySteady {
			if s.run = runs; runs == maxRuns {
				s.way = wayWords
			} else {
				runs++
			}
		}
		plan = append(plan, s)
	}
	return plan
}
