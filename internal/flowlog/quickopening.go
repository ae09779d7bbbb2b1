package flowlog

import (
	"math/bits"
	"slices"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// openingColumns are those that the default format consists of, and that custom
// formats mostly begin with.
var openingColumns = []op{
	opCheck, opAccountID, opInterfaceID, opSrc, opDst, opSrcPort, opDstPort, opProtocol, opPackets, opBytes,
	opStart, opEnd, opAction, opStatus,
}

// opening reports whether lines of the format begin with openingColumns, and
// returns the step behind these.
func (f *Format) opening() (behind *step, ok bool) {
	n := len(openingColumns)
	if len(f.columns) < n || !slices.EqualFunc(f.columns[:n], openingColumns, func(c column, o op) bool { return c.op == o }) {
		return nil, false
	}
	for behind = f.plan; n > 0; behind = behind.next {
		n -= len(behind.columns)
	}
	return behind, n == 0
}

// opened is what an opening has in common with the one before: the columns in
// front of the addresses, and the times.
type opened struct {
	head phrase
	// times are start and end with the blanks around them, in three words.
	times [3]uint64
}

// phrase is a text that is looked for again: its size bytes, as opening.load
// returns them eight bytes at a time; mask leaves out what follows it. A size of
// 0 is of none.
type phrase struct {
	text, mask [5]uint64
	size       uint
}

// remember takes the size bytes at p, if they are not too many.
func (h *phrase) remember(w *window, p, size uint) {
	h.size = 0
	if size > uint(8*len(h.text)) {
		return
	}
	h.size = size
	for i := range h.text {
		h.mask[i] = ^uint64(0)
		if left := max(int(size)-8*i, 0); left < 8 {
			h.mask[i] = 1<<(8*left) - 1
		}
		h.text[i] = w.load(p + 8*uint(i))
	}
}

// leads reports whether a line begins with the phrase and a blank.
func (h *phrase) leads(line *opening) bool {
	odd := (line.load(0)^h.text[0])&h.mask[0] | (line.load(8)^h.text[1])&h.mask[1] | (line.load(16)^h.text[2])&h.mask[2] |
		(line.load(24)^h.text[3])&h.mask[3] | (line.load(32)^h.text[4])&h.mask[4]
	return odd == 0 && h.size > 0 && line.at(h.size) == ' '
}

const (
	openingRuns = 2 // the columns in front of the addresses, and the times

	timesSize = 2*10 + 1
)

// remember takes an opening from the runs of steady columns, if these are as
// long as they mostly are.
func (o *opened) remember(head, times run) {
	if head.size == 0 || times.size != timesSize {
		return
	}
	o.head.remember(head.in, head.from, head.size)
	o.times = [3]uint64{times.in.load(times.from - 1), times.in.load(times.from + 7), times.in.load(times.from + timesSize - 7)}
}

// opening reads an opening as nearly all are: of the same interface and times as
// the one before, between two addresses, with log-status OK. It returns where it
// ends; 0 when it is written otherwise.
func (b *before) opening(w *window, from uint, rec *flow.Record) (end uint) {
	if !b.opened.head.leads(w.from(from)) {
		return 0
	}
	return b.behindHead(w, from+b.opened.head.size+1, rec)
}

// behindHead reads the rest of an opening from the addresses on, which are at p.
func (b *before) behindHead(w *window, p uint, rec *flow.Record) (end uint) {
	rec.Direction, rec.Ambiguous, rec.Subnet = flow.DirectionUnknown, false, nil
	line := w.from(p)
	at := b.addrs.pair(line.near(0), rec)
	if at == 0 {
		if at = b.oddPair(w, p, rec); at == 0 {
			return 0
		}
		at -= p
	}
	b.pairEnd = p + at
	if at = line.tuple(at, rec); at == 0 {
		return 0
	}
	n, times := line.near(at), &b.opened.times
	if (n.load(0)^times[0])|(n.load(8)^times[1])|(n.load(timesSize-6)^times[2]) != 0 || !n.verdict(rec) {
		return 0
	}
	return p + at + verdictAt + verdictSize
}

// idle reads an opening of the same interface that tells of no traffic, or of
// records that AWS lost. It returns where it ends, 0 when it is written otherwise.
func (b *before) idle(line *opening) (end uint, status Result) {
	if !b.opened.head.leads(line) {
		return 0, 0
	}
	p := b.opened.head.size + 1
	odd := (line.load(p) ^ word64("- - - - ")) | (line.load(p+6) ^ word64("- - - - "))
	p += uint(len("- - - - - - - "))
	odd |= notDigits(line.load(p)^zeros) | notDigits(line.load(p+2)^zeros) | notDigits(line.load(p+11)^zeros) | notDigits(line.load(p+13)^zeros)
	if odd != 0 || line.at(p+10) != ' ' || line.at(p+timesSize) != ' ' {
		return 0, 0
	}
	p += timesSize + 1
	switch line.load(p) {
	case word64("- NODATA"):
		return p + 8, NoData
	case word64("- SKIPDA"):
		if line.at(p+8) == 'T' && line.at(p+9) == 'A' {
			return p + 10, SkipData
		}
	}
	return 0, 0
}

// tuple reads srcport, dstport, protocol, packets and bytes behind the blank at p,
// of one to eight digits each and 32 with what follows them. The ends of all are
// found before the first is read, so that none waits for the one before, and each
// is moved and added up in a word, so that its length, which nobody can foretell,
// steers no branch.
func (o *opening) tuple(p uint, rec *flow.Record) (end uint) {
	if o.at(p) != ' ' {
		return 0
	}
	p++
	n := o.near(p)
	ends := uint32(noDigits(n.load(0)) | noDigits(n.load(8))<<8 | noDigits(n.load(16))<<16 | noDigits(n.load(24))<<24)
	end1 := uint(bits.TrailingZeros32(ends))
	ends &= ends - 1
	end2 := uint(bits.TrailingZeros32(ends))
	ends &= ends - 1
	end3 := uint(bits.TrailingZeros32(ends))
	ends &= ends - 1
	end4 := uint(bits.TrailingZeros32(ends))
	ends &= ends - 1
	end5 := uint(bits.TrailingZeros32(ends))
	// The sizes below 0, which are -8 to -1 if all of them begin with so many bits.
	size1, size2, size3, size4, size5 := 0-end1, end1+1-end2, end2+1-end3, end3+1-end4, end4+1-end5
	if size1&size2&size3&size4&size5 < 1<<64-8 ||
		n[end1] != ' ' || n[end2] != ' ' || n[end3] != ' ' || n[end4] != ' ' {
		return 0
	}
	t1, t2, t3 := (n.load(0)^zeros)<<(size1*8&63), (n.load(end1+1)^zeros)<<(size2*8&63), (n.load(end2+1)^zeros)<<(size3*8&63)
	t4, t5 := (n.load(end3+1)^zeros)<<(size4*8&63), (n.load(end4+1)^zeros)<<(size5*8&63)
	odd := (stray(t1) | stray(t2) | stray(t3) | stray(t4) | stray(t5)) & highs
	srcPort, dstPort, protocol := eightDigits(t1), eightDigits(t2), eightDigits(t3)
	if odd|(srcPort|dstPort)>>16|protocol>>8 != 0 {
		return 0
	}
	rec.SrcPort, rec.DstPort, rec.Protocol = uint16(srcPort), uint16(dstPort), uint8(protocol)
	rec.Packets, rec.Bytes = eightDigits(t4), eightDigits(t5)
	return p + end5
}

// Where the verdict stands behind the numbers, and its size.
const (
	verdictAt   = 1 + timesSize + 1
	verdictSize = uint(len("ACCEPT OK"))
)

// verdict reads action and log-status.
func (n *nearby) verdict(rec *flow.Record) (ok bool) {
	switch n.load(verdictAt) {
	case acceptOK:
		rec.Action = flow.Accept
	case rejectOK:
		rec.Action = flow.Reject
	default:
		return false
	}
	return n[verdictAt+8] == 'K'
}

// The first eight bytes of the two verdicts on records of traffic.
const (
	acceptOK = wordAccept | ' '<<48 | 'O'<<56
	rejectOK = wordReject | ' '<<48 | 'O'<<56
)
