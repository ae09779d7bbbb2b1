package flowlog

import (
	"math/bits"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// The functions of this file and of quickwords.go read columns at p, and return
// where the last of them ends: 0 when they are not written as usual. They look at blanks between
// the columns, and not at what stands behind the last one.

// next goes from the end of a column at p to the next column, 0 when none follows
// as usual.
func (w *window) next(p uint) uint {
	if w.at(p) != ' ' {
		return 0
	}
	return p + 1
}

// readNumbers reads numbers. One of up to seven digits is found, moved and
// added up in its word, so that its length, which nobody can foretell, steers no
// branch.
func (b *before) readNumbers(w *window, p uint, columns []column) uint {
	for i := range columns {
		if i > 0 {
			if p = w.next(p); p == 0 {
				return 0
			}
		}
		c := &columns[i]
		t := w.load(p) ^ zeros
		at := uint(bits.TrailingZeros64(notDigits(t))) // 15, 23, … 63 behind one to seven digits
		n := eightDigits(t << ((71 - at) & 63))
		if at-8 > 55 {
			if n, at = b.oddNumber(w, p, c); at == 0 {
				return 0
			}
		}
		if n > c.limit {
			return 0
		}
		b.numbers[c.op&15] = n
		p += at / 8
	}
	return p
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

// readTimes reads times of ten digits, which mostly are those of the line before.
func (b *before) readTimes(w *window, p uint, columns []column) uint {
	for i := range columns {
		if i > 0 {
			if p = w.next(p); p == 0 {
				return 0
			}
		}
		o := columns[i].op
		last, now := &b.times[(o-opStart)&1], clock{w.load(p), w.load(p + 2)}
		n := uint(10)
		if now != *last {
			if b.numbers[o&15], n = now.read(); n == 0 {
				return 0
			}
			*last = now
		}
		p += n
	}
	return p
}

// read returns the time that a clock shows, and how many bytes that is.
func (c *clock) read() (seconds uint64, n uint) {
	if byte(c.head) == '-' {
		*c = midnight
		return 0, 1
	}
	head, tail := c.head^zeros, c.tail^zeros
	if notDigits(head)|notDigits(tail) != 0 {
		return 0, 0
	}
	return eightDigits(head)*100 + tail>>48&15*10 + tail>>56, 10
}

// readAddrs reads addresses.
func (b *before) readAddrs(w *window, p uint, columns []column, rec *flow.Record) uint {
	for i := range columns {
		if i > 0 {
			if p = w.next(p); p == 0 {
				return 0
			}
		}
		c := &columns[i]
		a, n := b.addrs.read(w, p)
		if n < 2 {
			if n == 0 {
				return 0
			}
			if c.vital {
				b.absent++
			}
		}
		switch c.op {
		case opSrc:
			rec.Src = a
		case opDst:
			rec.Dst = a
		case opPktSrc:
			rec.PktSrc = a
		case opPktDst:
			rec.PktDst = a
		}
		p += n
	}
	return p
}
