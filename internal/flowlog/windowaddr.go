package flowlog

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// gather makes a mask over a word one of eight bits. Its factor moves the high
// bit of each byte to its place at the top.
func gather(mask uint64) uint64 { return mask * 0x0002040810204081 >> 56 }

// octetDigits is how many digits an octet is written with.
var octetDigits = func() (n [256]uint8) {
	for v := range n {
		n[v] = 1
		if v > 9 {
			n[v] = 2
		}
		if v > 99 {
			n[v] = 3
		}
	}
	return n
}()

// addr4 returns the IPv4 address that n begins with and its length; 0 when there is
// none. It
// takes what parse4 takes. The places of the dots are found for all of its 16
// bytes at once, and its octets are made of digits in pairs, so that the lengths
// of octets, which nobody can foretell, steer no branch.
func (n *nearby) addr4() (a netip.Addr, length uint) {
	mask := uint32(gather(notDigits(n.load(0)^zeros)) | gather(notDigits(n.load(8)^zeros))<<8)
	dot1 := uint(bits.TrailingZeros32(mask))
	mask &= mask - 1
	dot2 := uint(bits.TrailingZeros32(mask))
	mask &= mask - 1
	dot3 := uint(bits.TrailingZeros32(mask))
	mask &= mask - 1
	end := uint(bits.TrailingZeros32(mask))
	// Octets of one to four digits: a fourth is found by what the octet is.
	n1, n2, n3, n4 := dot1-1, dot2-dot1-2, dot3-dot2-2, end-dot3-2
	if n1|n2|n3|n4 > 3 || n[dot1] != '.' || n[dot2] != '.' || n[dot3] != '.' {
		return a, 0
	}
	x := n.digits4(0, n1) | n.digits4(dot1+1, n2)<<32
	y := n.digits4(dot2+1, n3) | n.digits4(dot3+1, n4)<<32
	x, y = fourDigits(x), fourDigits(y)
	if (x|y)&^0x000000ff000000ff != 0 {
		return a, 0
	}
	digits := octetDigits[x&0xff] + octetDigits[x>>32&0xff] + octetDigits[y&0xff] + octetDigits[y>>32&0xff]
	if uint(digits)+3 != end { // leading zeros
		return a, 0
	}
	return netip.AddrFrom4([4]byte{byte(x), byte(x >> 32), byte(y), byte(y >> 32)}), end
}

// digits4 returns the more+1 digits at p as the last of four.
func (n *nearby) digits4(p, more uint) uint64 {
	return uint64((binary.LittleEndian.Uint32(n[p:p+4]) ^ '0'*0x01010101) << ((24 - 8*more) & 31))
}

// fourDigits returns two numbers of four digits each.
func fourDigits(t uint64) uint64 {
	t = t * (10<<8 + 1) >> 8 & 0x00ff00ff00ff00ff
	return t * (100<<16 + 1) >> 16 & 0x0000ffff0000ffff
}

// addr6 returns the IPv6 address at p and its length; 0 when there is none. It
// takes what parse6 takes but for addresses that end as IPv4 addresses do.
func (w *window) addr6(p uint) (a netip.Addr, length uint) {
	var b [16]byte
	gap, n, at := -1, 0, p
	if w.at(at) == ':' && w.at(at+1) == ':' {
		gap, at = 0, at+2
	}
	for n < 16 {
		group, digits := hexGroup(w.load(at))
		if digits == 0 && gap == n { // nothing behind "::"
			break
		}
		if digits-1 > 3 {
			return a, 0
		}
		binary.BigEndian.PutUint16(b[n:n+2], group)
		n, at = n+2, at+digits
		if n == 16 || w.at(at) != ':' {
			break
		}
		at++
		if w.at(at) == ':' {
			if gap >= 0 {
				return a, 0
			}
			gap, at = n, at+1
		}
	}
	if gap < 0 && n == 16 {
		return netip.AddrFrom16(b).Unmap(), at - p
	}
	if gap < 0 || n == 16 {
		return a, 0
	}
	return netip.AddrFrom16(spread(b, gap, n)).Unmap(), at - p
}

// hexGroup returns the hexadecimal number that x begins with, and of how many
// digits it is; of more than four it returns no number.
func hexGroup(x uint64) (group uint16, digits uint) {
	digit, letter := x^zeros, x|' '*ones^'`'*ones
	no := notDigits(digit) & (letter + 0x79*ones | ^(letter + 0x7f*ones) | letter)
	digits = first(no & highs)
	values := x&(0x0f*ones) + x>>6&ones*9
	h := uint32(values << ((32 - 8*digits) & 63)) // the last of four
	h = h<<4 | h>>8
	return uint16(h&0xff<<8 | h>>16&0xff), digits
}
