package flowlog

import (
	"encoding/binary"
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// One end of nearly all records of an interface is its own address. It is known by
// its text, without a look at all those that are known, and so is at which end it
// stands: that is told to the address book, too.

// usualPlace is where knownAddrs has the usual IPv4 address.
const usualPlace = 1 << shortBits

// pair reads srcaddr and dstaddr into rec, of which one is the usual IPv4 address
// and the other is one of IPv4, too. Which is which, which nobody can foretell, steers no branch.
func (a *knownAddrs) pair(n *nearby, rec *flow.Record) (end uint) {
	src := shortText{n.load(0), n.load(7)}
	ends := addrEnds(src.tail)
	src.tail &= below(ends)
	at := 7 + first(ends)
	blank := n[at]
	at++

	dst := shortText{n.load(at), n.load(at + 7)}
	ends = addrEnds(dst.tail)
	dst.tail &= below(ends)
	end = at + 7 + first(ends)

	usual := &a.shorts[usualPlace].text
	odd := (usual.head ^ src.head) | (usual.tail ^ src.tail)
	atSrc := uint64(int64((odd-1)&^odd) >> 63) // all bits, or none
	odd = ((usual.head ^ dst.head) | (usual.tail ^ dst.tail)) &^ atSrc

	head, tail := src.head^dst.head, src.tail^dst.tail
	other := shortText{src.head ^ head&atSrc, src.tail ^ tail&atSrc}
	place := other.hash() >> (64 - shortBits)
	if odd|uint64(blank^' ') != 0 || head|tail == 0 {
		return 0
	}
	if k := &a.shorts[place].text; (k.head^other.head)|(k.tail^other.tail) != 0 && !a.meet(other, place) {
		return 0
	}
	turn := (place ^ usualPlace) & atSrc
	rec.Src, rec.Dst = a.shorts[place^turn].addr, a.shorts[usualPlace^turn].addr
	rec.UsualEnd = flow.Ingress + flow.Direction(atSrc&1)
	return end
}

// meet gives an address that is not known its place.
//
//go:noinline
func (a *knownAddrs) meet(text shortText, place uint64) (ok bool) {
	var n nearby
	binary.LittleEndian.PutUint64(n[:8], text.head)
	binary.LittleEndian.PutUint64(n[7:], text.tail)
	addr, size := n.addr4()
	if size == 0 || n[size] != 0 {
		return false
	}
	a.shorts[place&(usualPlace-1)] = shortAddr{text, addr}
	return true
}

// oddPair reads any srcaddr and dstaddr into rec, if both are there.
func (b *before) oddPair(w *window, p uint, rec *flow.Record) (end uint) {
	src, n := b.addrs.read(w, p)
	at := p + n + 1
	if !src.IsValid() || w.at(at-1) != ' ' {
		return 0
	}
	dst, m := b.addrs.read(w, at)
	if !dst.IsValid() {
		return 0
	}
	rec.Src, rec.Dst, rec.UsualEnd = src, dst, flow.DirectionUnknown
	if src.BitLen() != dst.BitLen() {
		return at + m
	}
	family := flow.FamilyOf(src)
	usual := &b.names.Usual[family]
	if src != *usual && dst != *usual {
		met := &b.met[family]
		switch met.again(src, dst) {
		case flow.Egress:
			b.addrs.usual(w, p, n, src)
			*met, *usual, b.changed = pairOf{}, src, true
		case flow.Ingress:
			b.addrs.usual(w, at, m, dst)
			*met, *usual, b.changed = pairOf{}, dst, true
		default:
			*met = pairOf{src, dst}
		}
	}
	rec.UsualEnd = flow.OneEnd(src == *usual, dst == *usual)
	return at + m
}

// pairOf is the addresses of a record.
type pairOf struct{ src, dst netip.Addr }

// again says which of the two addresses is one of the pair, if just one is.
func (p *pairOf) again(src, dst netip.Addr) flow.Direction {
	return flow.OneEnd(src == p.src || src == p.dst, dst == p.src || dst == p.dst)
}

// usual takes the address that is written with the n bytes at p as the usual one
// of its family. pair does not know one of IPv4 that is written as IPv6, for that
// has another text as well.
func (a *knownAddrs) usual(w *window, p, n uint, addr netip.Addr) {
	if addr.Is6() {
		a.usualLong.remember(w, p, n)
		a.usualAddr = addr
		return
	}
	a.shorts[usualPlace] = shortAddr{}
	if t, length := w.short(p); length == n && !isLong(t.head) {
		a.shorts[usualPlace] = shortAddr{t, addr}
	}
}
