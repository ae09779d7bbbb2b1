package flowlog

import "net/netip"

// parseAddr reads an IPv4 or IPv6 address as netip.ParseAddr does, without
// zones and without allocating. An IPv4 address in IPv6 clothes
// (::ffff:192.0.2.1) is the IPv4 address, so that it matches IPv4 subnets.
func parseAddr(text []byte) (netip.Addr, bool) {
	for _, c := range text {
		switch c {
		case '.':
			b, ok := parse4(text)
			return netip.AddrFrom4(b), ok
		case ':':
			b, ok := parse6(text)
			return netip.AddrFrom16(b).Unmap(), ok
		}
	}
	return netip.Addr{}, false
}

// parse4 reads four octets of one to three digits without leading zeros.
func parse4(text []byte) (b [4]byte, ok bool) {
	part, value, digits := 0, 0, 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			if digits > 0 && value == 0 {
				return b, false
			}
			value = value*10 + int(c-'0')
			digits++
			if value > 255 {
				return b, false
			}
		case c == '.' && digits > 0 && part < 3:
			b[part] = byte(value)
			part, value, digits = part+1, 0, 0
		default:
			return b, false
		}
	}
	b[3] = byte(value)
	return b, part == 3 && digits > 0
}

// parse6 reads up to eight groups of one to four hexadecimal digits, of which
// one run of zeros may be written "::" and the last two as an IPv4 address.
func parse6(text []byte) (b [16]byte, ok bool) {
	gap, n := -1, 0 // where "::" stands, and how many octets are filled
	if len(text) >= 2 && text[0] == ':' && text[1] == ':' {
		gap, text = 0, text[2:]
	}
	for len(text) > 0 {
		if n == 16 {
			return b, false
		}
		group, digits := 0, 0
		for digits < len(text) && hexDigit(text[digits]) >= 0 {
			group = group<<4 | hexDigit(text[digits])
			if digits++; digits > 4 {
				return b, false
			}
		}
		if digits == 0 {
			return b, false
		}
		if digits < len(text) && text[digits] == '.' {
			if n > 12 {
				return b, false
			}
			v4, ok := parse4(text)
			if !ok {
				return b, false
			}
			copy(b[n:], v4[:])
			n, text = n+4, nil
			break
		}
		b[n], b[n+1] = byte(group>>8), byte(group)
		n, text = n+2, text[digits:]
		if len(text) == 0 {
			break
		}
		if text[0] != ':' || len(text) == 1 {
			return b, false
		}
		if text = text[1:]; text[0] == ':' {
			if gap >= 0 {
				return b, false
			}
			gap, text = n, text[1:]
		}
	}
	if gap < 0 {
		return b, n == 16
	}
	return spread(b, gap, n), n < 16
}

// spread moves the octets behind the gap to the end of the address.
func spread(b [16]byte, gap, n int) (out [16]byte) {
	copy(out[:gap], b[:gap])
	copy(out[16-(n-gap):], b[gap:n])
	return out
}

// hexDigit returns the value of a hexadecimal digit, -1 for any other byte.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
