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

// step reads columns that follow each other and are read the same way.
type step struct {
	// usual reads columns that are as nearly all are. Where it can it calls nothing,
	// for a call of which it may come back would cost it all registers.
	usual reading
	// other reads them from the beginning where usual has not.
	other   reading
	columns []column
	// run is the index of steady columns in before.runs.
	run uint
	// next is nil where the line ends.
	next *step
}

// reading reads the columns of a step at p. It returns where the last of them
// ends, and lineRoom or more when they are not written as it expects. It looks at
// blanks between the columns, and not at what stands behind the last one.
type reading func(s *step, b *before, p uint) uint

// way is a reading; columns that follow each other and have the same are a step.
type way uint8

const (
	waySteady  way = iota // columns that mostly are as in the line before
	wayTexts              // others that are so seldom
	waySkipped            // those that are not kept
	wayNumbers            // amounts, ports and codes
	wayFew                // one or two of them
	wayAddrs              // addresses
	wayPacket             // pkt-srcaddr and pkt-dstaddr
	wayWords              // words of which AWS has a few: action, flow-direction, log-status
)

var readings = [...]struct{ usual, other reading }{
	waySteady:  {(*step).steady, (*step).unsteady},
	wayTexts:   {(*step).each, (*step).each},
	waySkipped: {(*step).skipped, (*step).each},
	wayNumbers: {(*step).numbers, (*step).oddNumbers},
	wayFew:     {(*step).few, (*step).oddNumbers},
	wayAddrs:   {(*step).addrs, (*step).oddAddrs},
	wayPacket:  {(*step).packet, (*step).oddAddrs},
	wayWords:   {(*step).words, (*step).oddWords},
}

// way returns how the column is read.
func (o op) way() way {
	switch {
	case o == opSkip:
		return waySkipped
	case o == opCheck || o == opStart || o == opEnd || o >= opSame && o <= opAZID:
		return waySteady
	case o < numNumbers:
		return wayNumbers
	case o >= opSrc && o <= opPktDst:
		return wayAddrs
	case o >= opAction:
		return wayWords
	}
	return wayTexts
}

// maxRuns is of how many groups of steady columns a line is remembered.
const maxRuns = 8

// steps compiles the columns for quick.
func (f *Format) steps() (first *step) {
	runs, next := uint(0), &first
	for i := 0; i < len(f.columns); {
		from, way := i, f.columns[i].op.way()
		for i < len(f.columns) && f.columns[i].op.way() == way {
			i++
		}
		s := &step{columns: f.columns[from:i], run: runs}
		switch n := i - from; {
		case way == waySteady && runs == maxRuns:
			way = wayTexts
		case way == waySteady:
			runs++
		case way == wayNumbers && n < 3:
			way = wayFew
		case way == wayAddrs && n == 2 && s.columns[0].op == opPktSrc && s.columns[1].op == opPktDst:
			way = wayPacket
		}
		s.usual, s.other = readings[way].usual, readings[way].other
		*next, next = s, &s.next
	}
	return first
}
