package flowlog

import (
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// knownAddrs remembers addresses by how they are written, for those of a flow log
// come again and again. Each has one place, where the next one displaces it: who
// chooses addresses can make it useless, but neither wrong nor larger than 120 KiB.
//
// A place that holds none seems to hold a text of zero bytes. Behind such no
// column ends, so nothing becomes of it.
type knownAddrs struct {
	shorts [1<<shortBits + 1]shortAddr // the last one is the usual one
	longs  [1 << longBits]longAddr

	// usualLong is how the usual IPv6 address is written.
	usualLong phrase
	usualAddr netip.Addr
}

// How many addresses there is room for, as powers of two.
const (
	shortBits = 11
	longBits  = 9
)

// shortAddr is an address of seven to 15 bytes.
type shortAddr struct {
	text shortText
	addr netip.Addr
}

// shortText is a text of seven to 15 bytes, behind which a blank stands: its first
// eight bytes, and those behind the first seven without what follows the text.
// Zero bytes stand in for that, so no other text is the same.
type shortText struct {
	head, tail uint64
}

// hash mixes the bytes of a text; the highest bits are the best.
func (t shortText) hash() uint64 { return (t.head ^ t.tail<<3) * spreader }

// short returns the text at p, which may be an address, and its length.
func (w *window) short(p uint) (t shortText, length uint) {
	t = shortText{w.load(p), w.load(p + 7)}
	ends := addrEnds(t.tail)
	t.tail &= below(ends)
	return t, 7 + first(ends)
}

// longAddr is another address, with the blank behind it.
type longAddr struct {
	text   [5]uint64
	length uint
	addr   netip.Addr
}

// spreader is 2^64 divided by the golden ratio: its multiples spread neighbours.
const spreader = 0x9e3779b97f4a7c15

// addrs reads addresses that are known.
func (s *step) addrs(b *before, p uint) uint {
	w, rec := b.w, b.rec
	columns := s.columns
	for i := range columns {
		t, n := w.short(p)
		k := &b.addrs.shorts[t.hash()>>(64-shortBits)]
		if (k.text.head^t.head)|(k.text.tail^t.tail) != 0 {
			return otherwise
		}
		columns[i].op.store(k.addr, rec)
		p += n
		if w.at(p) != ' ' && i+1 < len(columns) {
			return otherwise
		}
		p++
	}
	return p - 1
}

// packet reads addresses that are those which the line has as srcaddr and dstaddr,
// as they are unless an interface passes packets on.
func (s *step) packet(b *before, p uint) uint {
	if b.pairEnd == 0 {
		return otherwise
	}
	w, end := b.w, p+b.pairEnd-b.pairFrom
	if string(w[p&windowMask:end&windowMask]) != string(w[b.pairFrom&windowMask:b.pairEnd&windowMask]) || w.at(end) > ' ' && w.at(end) != '"' {
		return otherwise
	}
	b.rec.PktSrc, b.rec.PktDst = b.rec.Src, b.rec.Dst
	return end
}

// oddAddrs reads addresses.
func (s *step) oddAddrs(b *before, p uint) uint {
	w, rec := b.w, b.rec
	for i := range s.columns {
		if i > 0 {
			if w.at(p) != ' ' {
				return otherwise
			}
			p++
		}
		c := &s.columns[i]
		a, n := b.addrs.read(w, p)
		if n == 0 {
			return otherwise
		}
		if c.vital && !a.IsValid() {
			b.absent++
		}
		c.op.store(a, rec)
		p += n
	}
	return p
}

// store gives rec the address of a column.
func (o op) store(a netip.Addr, rec *flow.Record) {
	switch o {
	case opSrc:
		rec.Src = a
	case opDst:
		rec.Dst = a
	case opPktSrc:
		rec.PktSrc = a
	case opPktDst:
		rec.PktDst = a
	}
}

// read reads the address at p, "-" as the zero value, and returns its length; 0
// when there is none.
func (a *knownAddrs) read(w *window, p uint) (addr netip.Addr, n uint) {
	if w.at(p) == '-' {
		return addr, 1
	}
	if isLong(w.load(p)) {
		return a.readLong(w, p)
	}
	t, length := w.short(p)
	k := &a.shorts[t.hash()>>(64-shortBits)]
	if k.text == t {
		return k.addr, length
	}
	if addr, n = w.from(p).near(0).addr4(); n == length && w.at(p+n) == ' ' {
		*k = shortAddr{t, addr}
	}
	return addr, n
}

// isLong reports whether an address that begins with x is written as IPv6: then
// there is a colon among its first five bytes.
func isLong(x uint64) bool {
	colons := x ^ ':'*ones
	return (colons-ones)&^colons&0x8080808080 != 0
}

// readLong reads an IPv6 address.
func (a *knownAddrs) readLong(w *window, p uint) (netip.Addr, uint) {
	if a.usualLong.leads(w.from(p)) {
		return a.usualAddr, a.usualLong.size
	}
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
	at := &a.longs[hash>>(64-longBits)]
	if at.length == k.length && at.text == k.text && k.length > 0 {
		return at.addr, at.length
	}
	var n uint
	if k.addr, n = w.addr6(p); n > 0 && n == k.length {
		*at = k
	}
	return k.addr, n
}

// addrEnds masks the bytes of x that are neither digits nor dots: all of those
// that end an IPv4 address as it usually stands, by the fifth bit of each.
func addrEnds(x uint64) uint64 { return ^(x | x<<1) & (0x10 * ones) }

// blanksIn masks the blanks of x.
func blanksIn(x uint64) uint64 {
	x ^= ' ' * ones
	return (x - ones) &^ x & highs
}

// below has all bits set below the lowest one of a mask.
func below(mask uint64) uint64 { return (mask - 1) &^ mask }
