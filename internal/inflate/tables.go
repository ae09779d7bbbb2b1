package inflate

import "math/bits"

// Codes of up to this many bits are decoded by one look-up, longer ones by two.
const (
	litBits  = 11
	litMask  = 1<<litBits - 1
	distBits = 9
	distMask = 1<<distBits - 1
)

// The tables have room for what the longest codes need behind the first look-up:
// 2,342 entries for 288 symbols and 11 bits, 592 for 32 symbols and 9 bits.
const (
	litSize  = 4096
	distSize = 1024
)

type (
	litTable  [litSize]uint32
	distTable [distSize]uint32
	tables    struct {
		lit  litTable
		dist distTable
	}
)

// An entry of litTable says what the next bits mean: up to two literals, or up
// to one literal and a length.
//
//	 0-5  bits that it takes, with those that extend a length
//	 6-7  number of literals
//	 8-15 first literal
//	16-23 second literal, or the length less 3
//	24-29 bits before those that extend the length
//	30    special
//	31    length, or special
//
// Special are the end of a block, a code that means nothing, and codes that are
// longer than litBits: these are in a part of the table of their own, whose
// beginning is in bits 8-19 and whose number of bits in 24-27.
const (
	literalOne = 1 << 6
	isLength   = 1 << 31
	special    = 3 << 30
	invalid    = special | 1
	blockEnd   = special | 1<<20
	litLink    = special | 2<<20
	kindMask   = special | 3<<20
	litStep    = 1 | 1<<24 // what one bit of a code adds
)

// An entry of distTable: 0-7 bits that it takes, 8-15 bits of its code, 16-30
// distance, 31 special, with 30 a link.
const (
	distSpecial = 1 << 31
	distInvalid = distSpecial | 1
	distLink    = 3 << 30
	distStep    = 1 | 1<<8
)

// The entries of the symbols, before the bits of their codes are added, and the
// tables of the codes that DEFLATE fixes.
var (
	litEntries  = makeLitEntries()
	distEntries = makeDistEntries()
	fixed       tables
)

func init() {
	var c codes
	var lens [288]uint8
	for s := range lens {
		switch {
		case s < 144, s >= 280:
			lens[s] = 8
		case s < 256:
			lens[s] = 9
		default:
			lens[s] = 7
		}
	}
	c.assign(lens[:])
	c.lit(&fixed.lit)
	for s := range 32 {
		lens[s] = 5
	}
	c.assign(lens[:32])
	c.dist(&fixed.dist)
}

func makeLitEntries() (entries [288]uint32) {
	for s := range 256 {
		entries[s] = literalOne | uint32(s)<<8
	}
	entries[256] = blockEnd
	length := uint32(0)
	for s := 257; s < 285; s++ {
		extra := uint32(max(s-261, 0) / 4)
		entries[s] = isLength | length<<16 | extra
		length += 1 << extra
	}
	entries[285] = isLength | 255<<16
	entries[286], entries[287] = special, special
	return entries
}

func makeDistEntries() (entries [32]uint32) {
	distance := uint32(1)
	for s := range 30 {
		extra := uint32(max(s-2, 0) / 2)
		entries[s] = extra | distance<<16
		distance += 1 << extra
	}
	entries[30], entries[31] = distSpecial, distSpecial
	return entries
}

// linked returns where the entry is that a link leads to. Bits are those behind
// the first look-up.
func linked(link, bits uint32) uint32 {
	return link>>8 + bits&(1<<(link>>24&15)-1)
}

// codes are the symbols that have a code, in the order of their codes: by
// length, then by symbol.
type codes struct {
	symbol [288]uint16
	code   [288]uint16 // its first bit lowest, as it is read
	// first is the first symbol of each length.
	first [17]int
	// lits is the end of those of them that are literals.
	lits [17]int
}

// assign gives codes to the symbols by the lengths of their codes, of which 0
// is none. It reports whether the lengths are possible: every sequence of bits
// must have a meaning, unless there is just one code of one bit, or none.
func (c *codes) assign(lens []uint8) bool {
	var count [16]int
	for _, l := range lens {
		count[l&15]++
	}
	space, n := 0, 0
	for l := 1; l <= 15; l++ {
		c.first[l] = n
		n += count[l]
		space = space<<1 + count[l]
	}
	c.first[16] = n
	if space != 1<<15 && n != 0 && (n != 1 || count[1] != 1) {
		return false
	}
	next := c.first
	for s, l := range lens {
		if s == 256 {
			c.lits = next
		}
		if l != 0 {
			i := next[l&15]
			c.symbol[i] = uint16(s)
			next[l&15]++
		}
	}
	code := 0
	for l := 1; l <= 15; l++ {
		code <<= 1
		for i := c.first[l]; i < c.first[l+1]; i++ {
			c.code[i] = bits.Reverse16(uint16(code << (16 - l)))
			code++
		}
	}
	return true
}

// lit makes the table of literals and lengths.
func (c *codes) lit(t *litTable) {
	t[0] = invalid
	fill(c, t[:], litBits, litEntries[:], litStep, litLink, func(l int) {
		for first := 1; first < l; first++ {
			c.pair(t, first, l-first)
		}
	})
}

// dist makes the table of distances.
func (c *codes) dist(t *distTable) {
	t[0] = distInvalid
	fill(c, t[:], distBits, distEntries[:], distStep, distLink, func(int) {})
}

// pair makes the entries of all literals with codes of l1 bits that are
// followed by a literal or a length with a code of l2 bits.
func (c *codes) pair(t *litTable, l1, l2 int) {
	for i := c.first[l1]; i < c.lits[l1]; i++ {
		code := c.code[i]
		head := litEntries[c.symbol[i]]
		e := head + literalOne + uint32(l1+l2)
		for j := c.first[l2]; j < c.lits[l2]; j++ {
			t[(code|c.code[j]<<l1)&litMask] = e | uint32(c.symbol[j])<<16
		}
		head += uint32(l1+l2) * litStep
		for j := c.lits[l2]; j < c.first[l2+1]; j++ {
			if e := litEntries[c.symbol[j]]; e < special {
				t[(code|c.code[j]<<l1)&litMask] = e + head
			}
		}
	}
}

// fill makes a table whose first look-up takes root bits. Its first 2^l entries
// decode the codes of up to l bits: those of one bit less twice, then the new
// ones, to which each adds what it likes.
func fill(c *codes, t []uint32, root int, entries []uint32, step, link uint32, each func(l int)) {
	for l := 1; l <= root; l++ {
		size := 1 << (l - 1)
		copy(t[size:2*size], t[:size])
		for i := c.first[l]; i < c.first[l+1]; i++ {
			t[c.code[i]] = entries[c.symbol[i]] + uint32(l)*step
		}
		each(l)
	}
	free, prefix, part := 1<<root, -1, t[:0]
	for l := root + 1; l <= 15; l++ {
		for i := c.first[l]; i < c.first[l+1]; i++ {
			if p := int(c.code[i]) & (1<<root - 1); p != prefix {
				more := c.depth(i, l, root) - root
				t[p] = link | uint32(free)<<8 | uint32(more)<<24
				prefix, part = p, t[free:free+1<<more]
				free += 1 << more
			}
			for at := int(c.code[i]) >> root; at < len(part); at += 1 << (l - root) {
				part[at] = entries[c.symbol[i]] + uint32(l)*step
			}
		}
	}
}

// depth returns how many bits the longest code has that begins as the ith does,
// which has l bits and is the first to begin so.
func (c *codes) depth(i, l, root int) int {
	for space := c.first[l+1] - i; l < 15 && space < 1<<(l-root); l++ {
		space = space<<1 + c.first[l+2] - c.first[l+1]
	}
	return l
}
