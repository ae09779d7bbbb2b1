package inflate

import "cmp"

// Codes of up to this many bits are decoded by one look-up, longer ones by two.
const (
	litBits  = 11
	litMask  = 1<<litBits - 1
	distBits = 9
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
	link       = special | 2<<20
	kindMask   = special | 3<<20
	litStep    = 1 | 1<<24 // what one bit of a code adds
)

// An entry of dist: 0-7 bits that it takes, 8-15 bits of its code, 16-30
// distance. Special entries are as those of lit.
const distStep = 1 | 1<<8

// The alphabets, and the tables of the codes that DEFLATE fixes.
var (
	litAlphabet  = makeLits()
	distAlphabet = makeDists()
	fixed        tables
)

// alphabet says what the table of its symbols is like.
type alphabet struct {
	root     int         // bits of the first look-up
	entries  [288]uint32 // of the symbols, before the bits of their codes are added
	step     uint32
	literals int
	// second are the entries as they are added to that of a literal before, 0 for
	// what can't be.
	second [288]uint32
}

func init() {
	var c codes
	for s, length := range [36]int{18: 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 7, 7, 7} {
		for i := range 8 {
			c.add(8*s+i, cmp.Or(length, 8))
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
	a := alphabet{root: litBits, step: litStep, literals: 256}
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
	a := alphabet{root: distBits, step: distStep}
	distance := uint32(1)
	for s := range 30 {
		extra := uint32(max(s-2, 0) / 2)
		a.entries[s] = extra | distance<<16
		distance += 1 << extra
	}
	a.entries[30], a.entries[31] = special, special
	return a
}

// look returns the entry of the code that bits begin with.
func look(t []uint32, root uint, bits uint64) uint32 {
	e := t[bits&(1<<root-1)]
	if e&kindMask == link {
		e = t[e>>8&0xfff+uint32(bits>>root)&(1<<(e>>24&15)-1)]
	}
	return e
}
