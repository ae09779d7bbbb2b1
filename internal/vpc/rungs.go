package vpc

import (
	"encoding/binary"
	"net/netip"
)

// rungs remembers the rungs of the addresses met last, for a look-up in a large
// table waits for memory at every step. An address is remembered at one slot
// alone, and gives way to the next one there.
type rungs struct {
	table *Table
	slots []remembered
}

// remembered is the longest prefix of an address. The zero value is true: an
// address that is none has none.
type remembered struct {
	addr netip.Addr
	rung *rung
}

// rungBits says how many addresses are remembered; each takes 32 bytes.
const rungBits = 11

// turn forgets all addresses; those to come are of the table.
func (c *rungs) turn(t *Table) {
	if c.slots == nil {
		c.slots = make([]remembered, 1<<rungBits)
	}
	clear(c.slots)
	c.table = t
}

// of returns the rung of the longest prefix that contains the address, which
// must be plain; nil if there is none.
func (c *rungs) of(addr netip.Addr) *rung {
	s := &c.slots[slotOf(addr)]
	if s.addr != addr {
		s.addr = addr
		s.rung, _ = c.table.prefixes.Lookup(addr)
	}
	return s.rung
}

// slotOf mixes the bits of an address; those that differ among the hosts of a
// subnet are the last ones.
func slotOf(addr netip.Addr) uint64 {
	const golden = 0x9e3779b97f4a7c15 // 2^64 / golden ratio: spreads neighbours
	if addr.Is4() {
		b := addr.As4()
		return uint64(binary.BigEndian.Uint32(b[:])) * golden >> (64 - rungBits)
	}
	b := addr.As16()
	high, low := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	return (high*golden ^ low) * golden >> (64 - rungBits)
}
