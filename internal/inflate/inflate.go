// Package inflate decompresses gzip: a Decoder what is in memory, a Reader a
// stream. Both take and refuse what compress/gzip does, and also refuse reserved
// flags in a header. Checksums are checked.
//
// It exists for speed, for decompressing takes most of the time of a body:
//   - 57 bits of the input and more are in a register, from which entries of
//     tables take their bits ([decoder.fast]);
//   - an entry stands for up to two literals, or for a literal and a length, as
//     many as their codes fit the 11 bits of a look-up ([codes.pair]);
//   - matches are copied in steps of 16 bytes, 128 at least, into room that is
//     always there, instead of exactly.
package inflate

import (
	"encoding/binary"
	"errors"
)

// Errors of what is decompressed.
var (
	// ErrCorrupt says that the data is damaged, incomplete or no gzip.
	ErrCorrupt = errors.New("corrupt gzip")
	// ErrLimit says that the data holds more than allowed.
	ErrLimit = errors.New("gzip holds more than the limit")
)

const (
	// maxRatio is more than DEFLATE can shrink anything: a match of 258 bytes
	// takes two bits at least.
	maxRatio = 1032
	// minGrow is the smallest buffer that is made when the trailer lied, in bytes.
	minGrow = 4096
)

// Decoder decompresses what is in memory as a whole. The zero value is ready. It
// is not safe for concurrent use.
type Decoder struct {
	d decoder
}

// Gzip returns what all members of src hold, at most limit bytes. It writes over
// all the capacity of dst, and makes a new slice when that does not suffice, of
// limit bytes at most and some slack; the caller owns it. ErrCorrupt and ErrLimit
// are the errors; then the slice holds what came before.
func (z *Decoder) Gzip(dst, src []byte, limit int) ([]byte, error) {
	d := &z.d
	limit = max(limit, 0)
	d.reset(src, dst[:cap(dst)])
	defer d.reset(nil, nil)
	most := min(limit, maxRatio*len(src)) + slack
	if len(src) >= 4 {
		size := int(binary.LittleEndian.Uint32(src[len(src)-4:])) // if it is true
		d.grow(min(size+slack, most))
	}
	for {
		s := d.member()
		switch {
		case d.pos > limit || s == needRoom && len(d.out) >= most:
			return d.out[:min(d.pos, limit)], ErrLimit
		case s == needRoom:
			d.grow(min(max(2*len(d.out), minGrow), most))
		case s != atEnd:
			return d.out[:d.pos], ErrCorrupt
		case d.next == len(src):
			return d.out[:d.pos], nil
		}
	}
}

// grow makes room for size bytes in all.
func (d *decoder) grow(size int) {
	if len(d.out) < size {
		grown := make([]byte, size)
		copy(grown, d.out[:d.pos])
		d.out = grown
	}
}
