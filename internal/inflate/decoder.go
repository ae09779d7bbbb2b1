package inflate

import (
	"encoding/binary"
	"hash/crc32"
)

// status says why a step of the decoder came to an end.
type status int

const (
	goOn       status = iota
	endOfBlock        // all symbols of a block are decoded
	needInput         // the rest of something has not been read
	needRoom          // less than slack bytes are left for output
	atEnd             // a member is complete
	corrupt
)

// decoder decodes members of gzip from in to out. What it cannot do for lack of
// input or room is left as if it had not been tried, and is tried again.
type decoder struct {
	in   []byte
	next int    // first byte of in that is not in bits
	bits uint64 // of the input, the next one lowest
	n    uint   // number of them

	out    []byte
	pos    int // end of what is decoded
	start  int // first byte of the member, as far as it is still in out
	summed int // up to here sum and size are
	sum    uint32
	size   uint32

	step   func(*decoder) status // reads what comes next
	begun  bool                  // a member that is not complete
	final  bool                  // block
	short  bool                  // get had not enough
	stored int                   // bytes that are left of a stored block
	t      *tables

	own         tables
	lits, dists codes
}

// reset begins with the first member of in. It keeps nothing but the tables.
func (d *decoder) reset(in, out []byte) {
	d.in, d.next, d.bits, d.n = in, 0, 0, 0
	d.out, d.pos, d.start, d.summed, d.sum, d.size = out, 0, 0, 0, 0, 0
	d.step, d.begun = (*decoder).header, false
}

// member decodes until a member is complete, or until it can't.
func (d *decoder) member() status {
	for {
		switch s := d.step(d); s {
		case goOn:
		case endOfBlock:
			d.addSum()
			d.step = (*decoder).block
			if d.final {
				d.step = (*decoder).trailer
			}
		default:
			return s
		}
	}
}

// addSum brings sum and size up to what is decoded.
func (d *decoder) addSum() {
	d.sum = crc32.Update(d.sum, crc32.IEEETable, d.out[d.summed:d.pos])
	d.size += uint32(d.pos - d.summed)
	d.summed = d.pos
}

// fill reads ahead what bits can hold.
func (d *decoder) fill() {
	if rest := d.in[d.next:]; len(rest) >= 8 {
		d.bits |= binary.LittleEndian.Uint64(rest) << (d.n & 63)
		d.next += int(63-d.n) >> 3
		d.n |= 56
		d.bits &= 1<<(d.n&63) - 1
		return
	}
	for ; d.n < 56 && d.next < len(d.in); d.n += 8 {
		d.bits |= uint64(d.in[d.next]) << d.n
		d.next++
	}
}

// take is done with the next n bits.
func (d *decoder) take(n uint) {
	d.bits >>= n & 63
	d.n -= n
}

// unread gives back the whole bytes that were read ahead.
func (d *decoder) unread() {
	d.next -= int(d.n / 8)
	d.n %= 8
	d.bits &= 1<<d.n - 1
}

// get takes the next n bits. There are zeros, and a note, when they are not there.
func (d *decoder) get(n uint) int {
	if d.n < n {
		d.fill()
	}
	if d.n < n {
		d.short, d.bits, d.n = true, 0, n
	}
	v := d.bits & (1<<n - 1)
	d.take(n)
	return int(v)
}

// symbols decodes the symbols of a block to its end.
func (d *decoder) symbols() status {
	for s := goOn; ; s = d.symbol() {
		if s != goOn {
			return s
		}
		if d.fast(); len(d.out)-d.pos < slack {
			return needRoom
		}
	}
}

// symbol decodes what one entry of the table of literals and lengths stands for.
func (d *decoder) symbol() status {
	d.fill()
	e := look(d.t.lit[:], litBits, d.bits)
	used, end := uint(e&63), d.pos+int(e>>6&3)
	length, distance, bad := 0, 0, e >= special
	if e&special == isLength {
		length = 3 + int(e>>16&255) + int(d.bits&(1<<used-1)>>(e>>24&63))
		code := d.bits >> used
		de := look(d.t.dist[:], distBits, code)
		distance = int(de>>16) + int(code&(1<<(de&63)-1)>>(de>>8&63))
		used += uint(de & 63)
		bad = de >= special
	}
	switch {
	case used > d.n:
		return needInput
	case e&kindMask == blockEnd:
		d.take(used)
		return endOfBlock
	case bad || distance > end-d.start:
		return corrupt
	}
	d.take(used)
	binary.LittleEndian.PutUint16(d.out[d.pos:], uint16(e>>8))
	for d.pos = end; d.pos < end+length; d.pos++ {
		d.out[d.pos] = d.out[d.pos-distance]
	}
	return goOn
}
