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
	// head is the text of the former, size bytes, as opening.load returns it
	// eight bytes at a time; mask leaves out what follows it. A size of 0 is of
	// none.
	head, mask [5]uint64
	size       uint
	// times are the eight bytes at 0, 8 and 13 of start and end.
	times [3]uint64
}

const (
	openingRuns = 2 // the columns in front of the addresses, and the times

	timesSize = 2*10 + 1
	lastEight = timesSize - 8
)

// remember takes an opening from the runs of steady columns, if these are as
// long as they mostly are.
func (o *opened) remember(head, times run) {
	if head.size == 0 || head.size > uint(8*len(o.head)) || times.size != timesSize {
		return
	}
	o.size = head.size
	for i := range o.head {
		o.mask[i] = ^uint64(0)
		if left := max(int(head.size)-8*i, 0); left < 8 {
			o.mask[i] = 1<<(8*left) - 1
		}
		o.head[i] = head.in.load(head.from + 8*uint(i))
	}
	o.times = [3]uint64{times.in.load(times.from), times.in.load(times.from + 8), times.in.load(times.from + lastEight)}
}

// opening reads an opening as nearly all are: of the same interface and times as
// the one before, between two addresses, with log-status OK. It returns where it
// ends; 0 when it is written otherwise.
func (b *before) opening(w *window, from uint, rec *flow.Record) (end uint) {
	if !b.opened.leads(w.from(from)) {
		return 0
	}
	return b.behindHead(w, from, rec)
}

// leads reports whether a line has the same head.
func (o *opened) leads(line *opening) bool {
	odd := (line.load(0)^o.head[0])&o.mask[0] | (line.load(8)^o.head[1])&o.mask[1] | (line.load(16)^o.head[2])&o.mask[2] |
		(line.load(24)^o.head[3])&o.mask[3] | (line.load(32)^o.head[4])&o.mask[4]
	return odd == 0 && o.size > 0 && line.at(o.size) == ' '
}

// behindHead reads an opening of which it is known that its head is that of the
// one before.
func (b *before) behindHead(w *window, from uint, rec *flow.Record) (end uint) {
	rec.Direction, rec.Ambiguous, rec.Subnet = flow.DirectionUnknown, false, nil
	o, line := &b.opened, w.from(from)
	p := b.addrs.pair(line, o.size+1, rec)
	if p == 0 {
		if p = b.addrs.oddPair(w, from+o.size+1, rec); p == 0 {
			return 0
		}
		p -= from
	}
	if line.at(p) != ' ' {
		return 0
	}
	b.pairEnd = from + p
	if p = line.tuple(p+1, rec); p == 0 || line.at(p) != ' ' {
		return 0
	}
	odd := (line.load(p+1) ^ o.times[0]) | (line.load(p+9) ^ o.times[1]) | (line.load(p+1+lastEight) ^ o.times[2])
	if odd != 0 || line.at(p+1+timesSize) != ' ' {
		return 0
	}
	if p = line.verdict(p+timesSize+2, rec); p == 0 {
		return 0
	}
	return from + p
}

// idle reads an opening of the same interface that tells of no traffic, or of
// records that AWS lost. It returns where it ends, 0 when it is written otherwise.
func (b *before) idle(line *opening) (end uint, status Result) {
	if !b.opened.leads(line) {
		return 0, 0
	}
	p := b.opened.size + 1
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

// pair reads srcaddr and dstaddr, which are both known, into rec.
func (a *knownAddrs) pair(line *opening, p uint, rec *flow.Record) (end uint) {
	src := shortText{line.load(p), line.load(p + 7)}
	ends := addrEnds(src.tail)
	src.tail &= below(ends)
	from := &a.shorts[src.hash()>>(64-shortBits)]
	at := p + 7 + first(ends)
	blank := line.at(at)
	at++

	dst := shortText{line.load(at), line.load(at + 7)}
	ends = addrEnds(dst.tail)
	dst.tail &= below(ends)
	to := &a.shorts[dst.hash()>>(64-shortBits)]

	if (from.text.head^src.head)|(from.text.tail^src.tail)|(to.text.head^dst.head)|(to.text.tail^dst.tail)|uint64(blank^' ') != 0 {
		return 0
	}
	rec.Src, rec.Dst = from.addr, to.addr
	return at + 7 + first(ends)
}

// oddPair reads them where one is not known, or longer, and both are there.
func (a *knownAddrs) oddPair(w *window, p uint, rec *flow.Record) (end uint) {
	src, n := a.read(w, p)
	if p += n; !src.IsValid() || w.at(p) != ' ' {
		return 0
	}
	dst, n := a.read(w, p+1)
	if !dst.IsValid() {
		return 0
	}
	rec.Src, rec.Dst = src, dst
	return p + 1 + n
}

// tuple reads srcport, dstport, protocol, packets and bytes, of one to eight
// digits each and 32 with what follows them. The ends of all are found before the
// first is read, so that none waits for the one before, and each is moved and
// added up in a word, so that its length, which nobody can foretell, steers no
// branch.
func (o *opening) tuple(p uint, rec *flow.Record) (end uint) {
	ends := noDigits(o.load(p)) | noDigits(o.load(p+8))<<8 | noDigits(o.load(p+16))<<16 | noDigits(o.load(p+24))<<24
	end1 := p + uint(bits.TrailingZeros64(ends))
	ends &= ends - 1
	end2 := p + uint(bits.TrailingZeros64(ends))
	ends &= ends - 1
	end3 := p + uint(bits.TrailingZeros64(ends))
	ends &= ends - 1
	end4 := p + uint(bits.TrailingZeros64(ends))
	ends &= ends - 1
	end5 := p + uint(bits.TrailingZeros64(ends))
	if (end1-p-1)|(end2-end1-2)|(end3-end2-2)|(end4-end3-2)|(end5-end4-2) > 7 ||
		o.at(end1) != ' ' || o.at(end2) != ' ' || o.at(end3) != ' ' || o.at(end4) != ' ' {
		return 0
	}
	t1, t2, t3 := o.digits(p, end1), o.digits(end1+1, end2), o.digits(end2+1, end3)
	t4, t5 := o.digits(end3+1, end4), o.digits(end4+1, end5)
	odd := notDigits(t1) | notDigits(t2) | notDigits(t3) | notDigits(t4) | notDigits(t5)
	srcPort, dstPort, protocol := eightDigits(t1), eightDigits(t2), eightDigits(t3)
	if odd|(srcPort|dstPort)>>16|protocol>>8 != 0 {
		return 0
	}
	rec.SrcPort, rec.DstPort, rec.Protocol = uint16(srcPort), uint16(dstPort), uint8(protocol)
	rec.Packets, rec.Bytes = eightDigits(t4), eightDigits(t5)
	return end5
}

// digits returns the one to eight bytes from at to end as the last of eight
// digits, from which zeros is taken off.
func (o *opening) digits(at, end uint) uint64 { return (o.load(at) ^ zeros) << ((at - end) * 8 & 63) }

// verdict reads action and log-status. Which action it is, which nobody can
// foretell, steers no branch.
func (o *opening) verdict(p uint, rec *flow.Record) (end uint) {
	x, action := o.load(p), flow.Accept
	accept, reject := x^acceptOK, x^rejectOK
	if accept != 0 {
		action = flow.Reject
	}
	if accept != 0 && reject != 0 || o.at(p+8) != 'K' {
		return 0
	}
	rec.Action = action
	return p + 9
}

// The first eight bytes of the two verdicts on records of traffic.
const (
	acceptOK = wordAccept | ' '<<48 | 'O'<<56
	rejectOK = wordReject | ' '<<48 | 'O'<<56
)
