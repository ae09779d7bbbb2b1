package flowlog

import (
	"encoding/binary"
	"math"
)

// hybrid reads small numbers that are written as runs and as packed bits:
// https://parquet.apache.org/docs/file-format/data-pages/encodings/
type hybrid struct {
	buf  []byte
	bits uint
	// run is how many of value follow, packed how many are in the next bits of
	// which the first used ones are done with.
	run    uint64
	value  uint32
	packed uint64
	used   uint
}

func newHybrid(buf []byte, bits uint) hybrid { return hybrid{buf: buf, bits: bits} }

// read fills out; false when there are not as many.
func (h *hybrid) read(out []uint32) bool {
	for len(out) > 0 {
		switch {
		case h.run > 0:
			n := int(min(h.run, uint64(len(out))))
			for i := range out[:n] {
				out[i] = h.value
			}
			h.run -= uint64(n)
			out = out[n:]
		case h.packed > 0:
			n := int(min(h.packed, uint64(len(out))))
			h.unpack(out[:n])
			h.packed -= uint64(n)
			out = out[n:]
			if h.packed == 0 {
				h.buf = h.buf[min((h.used+7)/8, uint(len(h.buf))):]
			}
		case !h.head():
			return false
		}
	}
	return true
}

// pass passes over the next n if they are known to be all of this value.
func (h *hybrid) pass(value uint32, n int) bool {
	if h.value != value || h.run < uint64(n) {
		return false
	}
	h.run -= uint64(n)
	return true
}

// head reads the head of a run.
func (h *hybrid) head() bool {
	n, size := binary.Uvarint(h.buf)
	if size <= 0 {
		return false
	}
	h.buf = h.buf[size:]
	if n&1 == 0 {
		width := int(h.bits+7) / 8
		if h.run = n >> 1; width > len(h.buf) {
			return false
		}
		h.value = 0
		for i := range width {
			h.value |= uint32(h.buf[i]) << (8 * i)
		}
		h.buf = h.buf[width:]
		return uint64(h.value)>>h.bits == 0
	}
	// The last run may lack bytes, where its values are not all meant.
	h.packed, h.used = 8*min(n>>1, math.MaxUint32), 0
	if h.bits > 0 {
		h.packed = min(h.packed, 8*uint64(len(h.buf))/uint64(h.bits))
	}
	return h.packed > 0 || n>>1 == 0
}

// unpack reads packed numbers that are there, as many at once as a word is sure
// to have behind the bits that are done with.
func (h *hybrid) unpack(out []uint32) {
	const sure = 64 - 7
	mask, most := uint64(1)<<h.bits-1, sure/max(h.bits, 1)
	for len(out) > 0 {
		word := h.word(h.used/8) >> (h.used % 8)
		n := min(most, uint(len(out)))
		for i := range out[:n] {
			out[i] = uint32(word & mask)
			word >>= h.bits
		}
		h.used += n * h.bits
		out = out[n:]
	}
}

// word reads eight bytes, 0 for those behind the end.
func (h *hybrid) word(at uint) (word uint64) {
	if at+8 <= uint(len(h.buf)) {
		return binary.LittleEndian.Uint64(h.buf[at:])
	}
	for i := at; i < uint(len(h.buf)); i++ {
		word |= uint64(h.buf[i]) << (8 * (i - at))
	}
	return word
}
