package inflate

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// Flags in the header of a member.
const (
	flagSum     = 1 << 1
	flagExtra   = 1 << 2
	flagName    = 1 << 3
	flagComment = 1 << 4
	flagsKnown  = 1<<5 - 1
)

// maxText is the longest name or comment in a header, in bytes with the zero
// that ends it. The format knows no limit; other readers have the same.
const maxText = 512

// header reads the header of a member.
func (d *decoder) header() status {
	h := d.in[d.next:]
	if len(h) < 10 {
		return needInput
	}
	if h[0] != 0x1f || h[1] != 0x8b || h[2] != 8 || h[3]&^flagsKnown != 0 {
		return corrupt
	}
	flags, size := h[3], 10
	if flags&flagExtra != 0 {
		if len(h) < size+2 {
			return needInput
		}
		size += 2 + int(binary.LittleEndian.Uint16(h[size:]))
	}
	for _, flag := range [...]byte{flagName, flagComment} {
		if flags&flag == 0 {
			continue
		}
		text := h[min(size, len(h)):min(size+maxText, len(h))]
		end := bytes.IndexByte(text, 0)
		switch {
		case end < 0 && len(text) == maxText:
			return corrupt
		case end < 0:
			return needInput
		}
		size += end + 1
	}
	if flags&flagSum != 0 {
		if len(h) < size+2 {
			return needInput
		}
		if binary.LittleEndian.Uint16(h[size:]) != uint16(crc32.ChecksumIEEE(h[:size])) {
			return corrupt
		}
		size += 2
	}
	if len(h) < size {
		return needInput
	}
	d.next += size
	d.start, d.summed, d.sum, d.size = d.pos, d.pos, 0, 0
	d.step, d.begun = (*decoder).block, true
	return goOn
}

// trailer reads the trailer of a member, and checks by it what was decoded.
func (d *decoder) trailer() status {
	d.take(d.n % 8)
	d.unread()
	t := d.in[d.next:]
	if len(t) < 8 {
		return needInput
	}
	if binary.LittleEndian.Uint32(t) != d.sum || binary.LittleEndian.Uint32(t[4:]) != d.size {
		return corrupt
	}
	d.next += 8
	d.step, d.begun = (*decoder).header, false
	return atEnd
}
