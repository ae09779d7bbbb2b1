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

// stage is what comes next in the input.
type stage int

const (
	atHeader stage = iota
	atBlock
	inStored
	inSymbols
	atTrailer
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

	stage  stage
	final  bool // block
	stored int  // bytes that are left of a stored block
	t      *tables

	own         tables
	lits, dists codes
}

// reset begins with the first member of in. It keeps nothing but the tables.
func (d *decoder) reset(in, out []byte) {
	d.in, d.next, d.bits, d.n = in, 0, 0, 0
	d.out, d.pos, d.start, d.summed, d.sum, d.size = out, 0, 0, 0, 0, 0
	d.stage = atHeader
}

// member decodes until a member is complete, or until it can't.
func (d *decoder) member() status {
	for s := goOn; ; {
		switch d.stage {
		case atHeader:
			s = d.header()
		case atBlock:
			s = d.block()
		case inStored:
			s = d.copyStored()
		case inSymbols:
			s = d.symbols()
		case atTrailer:
			s = d.trailer()
		}
		if s == endOfBlock {
			d.addSum()
			d.stage = atBlock
			if d.final {
				d.stage = atTrailer
			}
		} else if s != goOn {
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

// symbols decodes the symbols of a block to its end: those that the fast loop
// leaves, one by one.
func (d *decoder) symbols() status {
	for len(d.out)-d.pos >= slack {
		d.fast()
		if len(d.out)-d.pos < slack {
			break
		}
		if s := d.symbol(); s != goOn {
			return s
		}
	}
	return needRoom
}

// symbol decodes what one entry of the table of literals and lengths stands for.
func (d *decoder) symbol() status {
	d.fill()
	e := d.t.lit[d.bits&litMask]
	if e&kindMask == litLink {
		e = d.t.lit[linked(e, uint32(d.bits>>litBits))&(litSize-1)]
	}
	used := uint(e & 63)
	switch {
	case used > d.n:
		return needInput
	case e&kindMask == blockEnd:
		d.take(used)
		return endOfBlock
	case e >= special:
		return corrupt
	}
	length, distance := 0, 0
	if e&isLength != 0 {
		length = 3 + int(e>>16&0xff) + int(d.bits&(1<<used-1)>>(e>>24&63))
		code := d.bits >> used
		de := d.t.dist[code&distMask]
		if de >= distLink {
			de = d.t.dist[linked(de, uint32(code>>distBits))&(distSize-1)]
		}
		used += uint(de & 63)
		distance = int(de>>16) + int(code&(1<<(de&63)-1)>>(de>>8&63))
		switch {
		case used > d.n:
			return needInput
		case de >= distSpecial || distance > d.pos+int(e>>6&3)-d.start:
			return corrupt
		}
	}
	d.take(used)
	binary.LittleEndian.PutUint16(d.out[d.pos:], uint16(e>>8))
	d.pos += int(e >> 6 & 3)
	if length > 0 {
		repeat(d.out[d.pos-distance:d.pos+length], distance)
		d.pos += length
	}
	return goOn
}
