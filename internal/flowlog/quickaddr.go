package flowlog

import "net/netip"

// knownAddrs remembers addresses by how they are written: those of a flow log come
// again and again. Each has one place, where a newer one displaces it. A place
// that holds none has no length, and is found for no text.
type knownAddrs struct {
	short [1 << shortBits]shortAddr
	long  [1 << longBits]longAddr
}

const (
	shortBits = 11
	longBits  = 9
)

// shortAddr is an address of seven to 15 bytes: its first eight and, without what
// follows the address, those behind the first seven.
type shortAddr struct {
	head, tail uint64
	length     uint
	addr       netip.Addr
}

// longAddr is another address, without what follows it.
type longAddr struct {
	text   [5]uint64
	length uint
	addr   netip.Addr
}

// spreader is 2^64 divided by the spreader ratio: its multiples spread neighbours.
const spreader = 0x9e3779b97f4a7c15

// read reads the address at p, "-" as the zero value, and returns its length; 0
// when there is none.
func (a *knownAddrs) read(w *window, p uint) (netip.Addr, uint) {
	head, tail := w.load(p), w.load(p+7)
	blanks := blanksIn(tail)
	length := 7 + first(blanks)
	tail &= below(blanks)
	k := &a.short[(head^tail*spreader)*spreader>>(64-shortBits)]
	if (k.head^head)|(k.tail^tail)|uint64(k.length^length) == 0 {
		return k.addr, length
	}
	return a.learn(w, p, k, shortAddr{head: head, tail: tail, length: length})
}

// learn reads an address that is not at its place among the short ones.
func (a *knownAddrs) learn(w *window, p uint, at *shortAddr, text shortAddr) (addr netip.Addr, n uint) {
	const firstFive = 0x8080808080
	if w.at(p) == '-' {
		return addr, 1
	}
	if colons := text.head ^ ':'*ones; (colons-ones)&^colons&firstFive != 0 {
		return a.readLong(w, p)
	}
	if addr, n = w.addr4(p); n == text.length && w.at(p+n) == ' ' {
		text.addr = addr
		*at = text
	}
	return addr, n
}

// readLong reads an IPv6 address.
func (a *knownAddrs) readLong(w *window, p uint) (netip.Addr, uint) {
	var k longAddr
	hash := uint64(0)
	for i := range k.text {
		x := w.load(p + 8*uint(i))
		blanks := blanksIn(x)
		k.text[i] = x & below(blanks)
		hash = (hash ^ k.text[i]) * spreader
		if blanks != 0 {
			k.length = 8*uint(i) + first(blanks)
			break
		}
	}
	at := &a.long[hash>>(64-longBits)]
	if at.length == k.length && at.text == k.text && k.length > 0 {
		return at.addr, at.length
	}
	var n uint
	if k.addr, n = w.addr6(p); n > 0 && n == k.length {
		*at = k
	}
	return k.addr, n
}

// blanksIn masks the blanks of x.
func blanksIn(x uint64) uint64 {
	x ^= ' ' * ones
	return (x - ones) &^ x & highs
}

// below has all bits set of the bytes in front of the first one in a mask.
func below(mask uint64) uint64 { return mask&-mask>>7 - 1 }
