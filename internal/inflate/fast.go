package inflate

import "encoding/binary"

// slack is how much room for output is needed to decode a symbol: two literals
// and a copy of 258 bytes in steps of 16.
const slack = 2 + 272

// fast decodes symbols as long as there are plenty of input and of room. It
// returns goOn when there are not.
func (d *decoder) fast() status {
	in, out, lit, dist := d.in, d.out, d.lit, d.dist
	next, pos, start := d.next, d.pos, d.start
	b, n := d.bits, d.n
	result := goOn
	if next < 0 || pos < 0 || start < 0 {
		return goOn
	}
	e := uint32(0)
	if len(in)-next < 16 {
		return goOn
	}
	b |= binary.LittleEndian.Uint64(in[next:]) << (n & 63)
	next += int(63-n) >> 3
	n |= 56
	e = lit[b&(1<<litBits-1)]
	for len(in)-next >= 16 && len(out)-pos >= slack {
		b |= binary.LittleEndian.Uint64(in[next:]) << (n & 63)
		next += int((63-n)>>3) & 7
		n |= 56
	again:
		binary.LittleEndian.PutUint16(out[pos:], uint16(e>>8))
		if e&isLength == 0 {
			pos += int(e >> 6 & 3)
			b >>= e & 63
			n -= uint(e & 63)
			e = lit[b&(1<<litBits-1)]
			continue
		}
		if e&literalMask == literalMask {
			if e&specialMask == litLink {
				e = lit[(e>>8+uint32(b>>litBits)&(1<<(e>>24&15)-1))&4095]
				goto again
			}
			if e&specialMask == blockEnd {
				b >>= e & 63
				n -= uint(e & 63)
				result = endOfBlock
			} else {
				result = corrupt
			}
			break
		}
		pos += int(e >> 6 & 3)
		saved := b
		b >>= e & 63
		n -= uint(e & 63)
		length := 3 + int(e>>16&0xff) + int(saved>>(e>>24&15)&(1<<(e>>28&7)-1))
		de := dist[b&(1<<distBits-1)]
		if int64(de) < 0 {
			if de&distLink != distLink {
				result = corrupt
				break
			}
			b |= binary.LittleEndian.Uint64(in[next:]) << (n & 63)
			next += int((63-n)>>3) & 7
			n |= 56
			de = dist[(uint32(de)>>8+uint32(b>>distBits)&(1<<(de>>24&15)-1))&1023]
			if int64(de) < 0 {
				result = corrupt
				break
			}
		}
		saved = b
		b >>= de & 63
		n -= uint(de & 63)
		distance := int(de>>16&0xffff) + int(saved>>(de>>8&63)&(de>>32))
		e = lit[b&(1<<litBits-1)]
		from := pos - distance
		if from < start {
			result = corrupt
			break
		}
		if distance < 16 {
			copyNear(out[from:pos+length], distance)
			pos += length
			continue
		}
		src, dst := (*[272]byte)(out[from:]), (*[272]byte)(out[pos:])
		*(*[16]byte)(dst[0:]) = *(*[16]byte)(src[0:])
		*(*[16]byte)(dst[16:]) = *(*[16]byte)(src[16:])
		for i := 32; i < length; i += 16 {
			*(*[16]byte)(out[pos+i:]) = *(*[16]byte)(out[from+i:])
		}
		pos += length
	}
	d.next, d.pos = next, pos
	d.bits, d.n = b&(1<<(n&63)-1), n
	return result
}

// copyNear fills s with repetitions of its first distance bytes.
func copyNear(s []byte, distance int) {
	for ; distance < len(s); distance *= 2 {
		copy(s[distance:], s[:distance])
	}
}
