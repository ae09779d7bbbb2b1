package inflate

import "math/bits"

// codes are the symbols of an alphabet that have a code, as they are added: by
// symbol. The table orders them by their codes: by length, then by symbol.
type codes struct {
	n     int
	added [288]struct{ symbol, length uint16 }
	count [16]int // of each length

	code   [288]uint16 // its first bit lowest, as it is read
	entry  [288]uint32
	second [288]uint32
	// first is the first symbol of each length, lits the end of those of them that
	// are literals.
	first, lits [17]int
}

// reset forgets all symbols.
func (c *codes) reset() { c.n, c.count = 0, [16]int{} }

// add adds a symbol that has a code of length bits, if it has one.
func (c *codes) add(symbol, length int) {
	if length != 0 {
		c.added[c.n].symbol, c.added[c.n].length = uint16(symbol), uint16(length)
		c.count[length&15]++
		c.n++
	}
}

// table gives codes to the symbols and makes their table. It reports whether
// the lengths are possible: every sequence of bits must have a meaning, unless
// there is just one code of one bit, or none.
func (c *codes) table(t []uint32, a *alphabet) bool {
	space, n := 0, 0
	var offset [16]int // from the place of a symbol to its code
	for l := 1; l <= 15; l++ {
		c.first[l] = n
		offset[l] = space<<1 - n
		n += c.count[l]
		space = space<<1 + c.count[l]
	}
	c.first[16] = n
	if space != 1<<15 && n != 0 && (n != 1 || c.count[1] != 1) {
		return false
	}
	next := c.first
	c.lits = c.first
	for _, s := range c.added[:c.n] {
		l := s.length & 15
		i := next[l]
		next[l]++
		c.code[i] = bits.Reverse16(uint16(i+offset[l]) << (16 - l))
		c.entry[i] = a.entries[s.symbol] + uint32(l)*a.step
		if int(s.symbol) < a.literals {
			c.lits[l]++
		}
		if c.second[i] = a.second[s.symbol]; c.second[i] != 0 {
			c.second[i] += uint32(l) * a.step
		}
	}
	c.fill(t, a)
	return true
}

// fill makes the table. Its first 2^l entries decode the codes of up to l bits:
// those of one bit less twice, then the new ones, and the pairs of a literal and
// another symbol that have l bits together.
func (c *codes) fill(t []uint32, a *alphabet) {
	t[0] = invalid
	for l := 1; l <= a.root; l++ {
		size := 1 << (l - 1)
		copy(t[size:2*size], t[:size])
		for i := c.first[l]; i < c.first[l+1]; i++ {
			t[c.code[i]] = c.entry[i]
		}
		for l1 := 1; l1 < l; l1++ {
			if c.first[l1] < c.lits[l1] && c.first[l-l1] < c.first[l-l1+1] {
				c.pair((*[1 << litBits]uint32)(t), l1, l-l1)
			}
		}
	}
	free, prefix, part := 1<<a.root, -1, t[:0]
	for l := a.root + 1; l <= 15; l++ {
		for i := c.first[l]; i < c.first[l+1]; i++ {
			if p := int(c.code[i]) & (1<<a.root - 1); p != prefix {
				more := c.depth(i, l, a.root) - a.root
				t[p] = link | uint32(free)<<8 | uint32(more)<<24
				prefix, part = p, t[free:free+1<<more]
				free += 1 << more
			}
			for at := int(c.code[i]) >> a.root; at < len(part); at += 1 << (l - a.root) {
				part[at] = c.entry[i]
			}
		}
	}
}

// pair makes the entries of all literals with codes of l1 bits that are
// followed by a symbol with a code of l2 bits.
func (c *codes) pair(t *[1 << litBits]uint32, l1, l2 int) {
	code := c.code[c.first[l2]:c.first[l2+1]]
	second := c.second[c.first[l2]:][:len(code)]
	for i := c.first[l1]; i < c.lits[l1]; i++ {
		head, first := c.entry[i], c.code[i]
		for j := range code {
			t[(first|code[j]<<(l1&15))&litMask] = head + second[j]
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
