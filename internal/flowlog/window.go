package flowlog

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes are looked at in one word. A mask over a word has the high bit
// set of each byte that is meant; of the masks here the lowest is exact, and
// those behind it may be set too much. Little-endian: the first byte is lowest.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
	zeros = '0' * ones
)

// lineRoom is how many bytes a line and what surrounds it in an envelope may
// have to be read by the word. Longer ones are read by the byte.
const lineRoom = 2048

// windowSize is what must be there behind the beginning of a line, part of it
// or not, for words to be loaded without a look at the end of the buffer. A step
// of a plan begins within the room, and goes less than another room beyond it:
// so windowMask leaves every place in the window as it is, and only tells the
// compiler that it is one.
const (
	windowSize = 2*lineRoom + openingSize
	windowMask = 2*lineRoom - 1
)

// window is the buffer from the beginning of a line, or of the event around it.
// What stands behind the end of the data is not defined, and must not decide
// anything.
type window [windowSize]byte

// windowAt returns the window at a place in the buffer; nil when the buffer has
// no room for one.
func windowAt(buf []byte, at int) *window {
	if cap(buf)-at < windowSize {
		return nil
	}
	return (*window)(buf[at : at+windowSize])
}

// at returns the byte at p.
func (w *window) at(p uint) byte { return w[p&windowMask] }

// load returns the eight bytes at p.
func (w *window) load(p uint) uint64 {
	p &= windowMask
	return binary.LittleEndian.Uint64(w[p : p+8])
}

// load4 returns the four bytes at p.
func (w *window) load4(p uint) uint32 {
	p &= windowMask
	return binary.LittleEndian.Uint32(w[p : p+4])
}

// from returns the opening at p.
func (w *window) from(p uint) *opening {
	p &= windowMask
	return (*opening)(w[p : p+openingSize])
}

// openingSize and openingMask are for an opening what windowSize and windowMask
// are for a window: its columns take 190 bytes at most where they are read.
const (
	openingSize = 256 + nearbySize
	openingMask = 255
)

// opening is the window of the columns that lines begin with. Whatever is read
// there begins within the mask.
type opening [openingSize]byte

// at returns the byte at p.
func (o *opening) at(p uint) byte { return o[p&openingMask] }

// load returns the eight bytes at p.
func (o *opening) load(p uint) uint64 {
	p &= openingMask
	return binary.LittleEndian.Uint64(o[p : p+8])
}

// nearby is the window of what begins within 33 bytes. There the compiler finds
// by itself that places are in the window, where it knows how columns end.
type nearby [nearbySize]byte

const nearbySize = 33 + 8

// near returns what stands at p.
func (o *opening) near(p uint) *nearby {
	p &= openingMask
	return (*nearby)(o[p : p+nearbySize])
}

// load returns the eight bytes at p. It is spelled out, for the compiler marks a
// call inlined into an inlined one with an instruction that does nothing.
func (n *nearby) load(p uint) uint64 {
	b := n[p : p+8 : p+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// word64 returns the first eight bytes of s as load does.
func word64(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// first returns the index of the first byte in a mask, 8 when it is empty.
func first(mask uint64) uint { return uint(bits.TrailingZeros64(mask)) / 8 }

// notPlain masks the bytes of x that do not stand for themselves in a JSON
// string: quote, backslash, what is below a blank and what is not ASCII. A
// borrow disturbs only the bytes behind such a one.
func notPlain(x uint64) uint64 {
	quote, escape := x^('"'*ones), x^('\\'*ones)
	return (x | (x-' '*ones)&^x | (quote-ones)&^quote | (escape-ones)&^escape) & highs
}

// notWord masks the bytes of x that end a word: what is not plain, and blanks.
func notWord(x uint64) uint64 {
	quote, escape := x^('"'*ones), x^('\\'*ones)
	return (x | (x-'!'*ones)&^x | (quote-ones)&^quote | (escape-ones)&^escape) & highs
}

// word returns where the word at p ends.
func (w *window) word(p uint) uint {
	for p < lineRoom {
		if m := notWord(w.load(p)); m != 0 {
			return p + first(m)
		}
		p += 8
	}
	return p
}

// notDigits masks the bytes that are no digits. It takes a word of which zeros
// was taken off by ^, and a carry disturbs only the bytes behind such a one.
func notDigits(t uint64) uint64 { return stray(t) & highs }

// stray is notDigits with other bits than the high ones, too.
func stray(t uint64) uint64 { return (t + 0x76*ones) | t }

// eightDigits returns the number of which t holds the digits, from which zeros
// was taken off.
func eightDigits(t uint64) uint64 {
	t = t * (10<<8 + 1) >> 8 & 0x00ff00ff00ff00ff
	t = t * (100<<16 + 1) >> 16 & 0x0000ffff0000ffff
	return t * (10000<<32 + 1) >> 32
}
