// Package inflate decompresses gzip.
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

// maxRatio is more than DEFLATE can shrink anything.
const maxRatio = 1032

// Decoder decompresses what is in memory as a whole. The zero value is ready. It
// is not safe for concurrent use.
type Decoder struct {
	d decoder
}

// Gzip returns what all members of src hold, at most limit bytes. It writes into
// dst from its beginning, up to its capacity, and returns a new slice when that
// does not suffice. It is ErrCorrupt or ErrLimit why it may fail; then the slice
// holds what came before.
func (z *Decoder) Gzip(dst, src []byte, limit int) ([]byte, error) {
	d := &z.d
	limit = max(limit, 0)
	d.reset(src, dst[:cap(dst)])
	defer d.reset(nil, nil)
	most := min(limit, maxRatio*len(src)) + slack
	if len(src) >= 4 {
		hint := int(binary.LittleEndian.Uint32(src[len(src)-4:]))
		d.grow(min(hint+slack, most))
	}
	for {
		switch d.member() {
		case atEnd:
			if d.pos > limit {
				return d.out[:limit], ErrLimit
			}
			if d.next == len(src) {
				return d.out[:d.pos], nil
			}
		case needRoom:
			if d.pos > limit || len(d.out) >= most {
				return d.out[:min(d.pos, limit)], ErrLimit
			}
			d.grow(min(max(2*len(d.out), 4096), most))
		default:
			if d.pos > limit {
				return d.out[:limit], ErrLimit
			}
			return d.out[:d.pos], ErrCorrupt
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
