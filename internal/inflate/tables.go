package inflate

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

// tables decode the symbols of a block.
type tables struct {
	lit  [litSize]uint32
	dist [distSize]uint32
}

// An entry of lit says what the next bits mean: up to two literals, or up to one
// literal and a length.
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

// An entry of dist: 0-7 bits that it takes, 8-15 bits of its code, 16-30
// distance, 31 special, with 30 a link.
const (
	distSpecial = 1 << 31
	distInvalid = distSpecial | 1
	distLink    = 3 << 30
	distStep    = 1 | 1<<8
)

// The alphabets, and the tables of the codes that DEFLATE fixes.
var (
	litAlphabet  = makeLits()
	distAlphabet = makeDists()
	fixed        tables
)

// alphabet says what the table of its symbols is like.
type alphabet struct {
	root                int         // bits of the first look-up
	entries             [288]uint32 // of the symbols, before the bits of their codes are added
	step, link, invalid uint32
	// second are the entries as they are added to that of a literal before, 0 if
	// they can't be.
	second *[288]uint32
}

func init() {
	var c codes
	for s := range 288 {
		switch {
		case s < 144, s >= 280:
			c.add(s, 8)
		case s < 256:
			c.add(s, 9)
		default:
			c.add(s, 7)
		}
	}
	c.table(fixed.lit[:], &litAlphabet)
	c.reset()
	for s := range 32 {
		c.add(s, 5)
	}
	c.table(fixed.dist[:], &distAlphabet)
}

func makeLits() alphabet {
	a := alphabet{root: litBits, step: litStep, link: litLink, invalid: invalid, second: &[288]uint32{}}
	for s := range 256 {
		a.entries[s], a.second[s] = literalOne|uint32(s)<<8, literalOne|uint32(s)<<16
	}
	a.entries[256], a.entries[286], a.entries[287] = blockEnd, special, special
	length := uint32(0)
	for s := 257; s < 285; s++ {
		extra := uint32(max(s-261, 0) / 4)
		a.entries[s] = isLength | length<<16 | extra
		length += 1 << extra
	}
	a.entries[285] = isLength | 255<<16
	copy(a.second[257:286], a.entries[257:])
	return a
}

func makeDists() alphabet {
	a := alphabet{root: distBits, step: distStep, link: distLink, invalid: distInvalid}
	distance := uint32(1)
	for s := range 30 {
		extra := uint32(max(s-2, 0) / 2)
		a.entries[s] = extra | distance<<16
		distance += 1 << extra
	}
	a.entries[30], a.entries[31] = distSpecial, distSpecial
	return a
}

// linked returns where the entry is that a link leads to. Bits are those behind
// the first look-up.
func linked(link, bits uint32) uint32 {
	return link>>8 + bits&(1<<(link>>24&15)-1)
}
