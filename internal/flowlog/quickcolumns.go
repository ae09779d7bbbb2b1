package flowlog

import (
	"math/bits"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// otherwise is what readings return of columns that are not written as usual.
const otherwise = lineRoom

// numbers reads numbers of one to eight digits. The ends of all are found before
// the first is read, so that none waits for the one before, and each is moved and
// added up in a word, so that its length, which nobody can foretell, steers no
// branch.
func (s *step) numbers(b *before, p uint) uint {
	w, rec, columns := b.w, b.rec, s.columns
	ends := noDigits(w.load(p)) | noDigits(w.load(p+8))<<8 | noDigits(w.load(p+16))<<16 | noDigits(w.load(p+24))<<24 | noDigits(w.load(p+32))<<32
	at, odd := p, uint64(0)
	for i := range columns {
		c := &columns[i]
		end := p + uint(bits.TrailingZeros64(ends))
		ends &= ends - 1
		t := (w.load(at) ^ zeros) << ((at - end) * 8 & 63)
		odd |= stray(t)
		n := eightDigits(t)
		if end-at-1 > 7 || n > c.limit {
			return otherwise
		}
		c.op.count(n, rec)
		if w.at(end) != ' ' && i+1 < len(columns) {
			return otherwise
		}
		at = end + 1
	}
	if odd&highs != 0 {
		return otherwise
	}
	return at - 1
}

// noDigits has a bit set for each byte of x that is a blank or ends a line, and
// none for digits.
func noDigits(x uint64) uint64 { return ^x >> 4 & ones * 0x0102040810204080 >> 56 }

// few reads numbers of one to seven digits, or "-".
func (s *step) few(b *before, p uint) uint {
	w, rec, columns := b.w, b.rec, s.columns
	for i := range columns {
		c := &columns[i]
		t := w.load(p) ^ zeros
		n, length := t&0xff, uint(1)
		switch {
		case n == '-'^'0':
			n = 0
			if c.vital {
				b.absent++
			}
		case n > 9 || t>>8&0xff != ' '^'0': // one digit stands for itself
			at := uint(bits.TrailingZeros64(notDigits(t))) // 7, 15, … 63 behind none to seven digits
			n, length = eightDigits(t<<((71-at)&63)), at/8
		}
		if length-1 > 6 || n > c.limit {
			return otherwise
		}
		c.op.count(n, rec)
		p += length
		if w.at(p) != ' ' && i+1 < len(columns) {
			return otherwise
		}
		p++
	}
	return p - 1
}

// oddNumbers reads numbers of up to 15 digits.
func (s *step) oddNumbers(b *before, p uint) uint {
	w, rec := b.w, b.rec
	for i := range s.columns {
		if i > 0 {
			if w.at(p) != ' ' {
				return otherwise
			}
			p++
		}
		c := &s.columns[i]
		t := w.load(p) ^ zeros
		at := uint(bits.TrailingZeros64(notDigits(t))) // 15, 23, … 63 behind one to seven digits
		n := eightDigits(t << ((71 - at) & 63))
		if at-8 > 55 {
			if n, at = b.oddNumber(w, p, c); at == 0 {
				return otherwise
			}
		}
		if n > c.limit {
			return otherwise
		}
		c.op.count(n, rec)
		p += at / 8
	}
	return p
}

// count stores the number of a column.
func (o op) count(n uint64, rec *flow.Record) {
	switch o {
	case opSrcPort:
		rec.SrcPort = uint16(n)
	case opDstPort:
		rec.DstPort = uint16(n)
	case opProtocol:
		rec.Protocol = uint8(n)
	case opTCPFlags:
		rec.TCPFlags = uint8(n)
	case opTrafficPath:
		rec.TrafficPath = uint8(n)
	case opPackets:
		rec.Packets = n
	case opBytes:
		rec.Bytes = n
	}
}

// oddNumber reads a number of eight to 15 digits, or "-" as 0. It returns eight
// times its length; 0 when neither stands at p.
func (b *before) oddNumber(w *window, p uint, c *column) (n uint64, length uint) {
	if w.at(p) == '-' {
		if c.vital {
			b.absent++
		}
		return 0, 8
	}
	t, rest := w.load(p)^zeros, w.load(p+8)^zeros
	at := uint(bits.TrailingZeros64(notDigits(rest)))
	if notDigits(t) != 0 || at == 64 {
		return 0, 0
	}
	if n = eightDigits(t); at > 7 { // a shift by 64 would be none
		n = n*tens[at/8&7] + eightDigits(rest<<((71-at)&63))
	}
	return n, 64 + at&^7
}

// tens are powers of ten.
var tens = [8]uint64{1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000}
