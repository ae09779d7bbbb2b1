package inflate

import "encoding/binary"

const (
	// copyRoom is what a copy may write: 258 bytes in steps of 16.
	copyRoom = 272
	// slack is the room for output that is needed to decode an entry: literals,
	// of which two are written even if there are none, and a copy.
	slack = copyRoom + 4
	// ahead is the input that is needed to decode an entry without counting the
	// bits: it takes up to 48 of them, and 8 bytes are loaded at a time.
	ahead = 16
)

// fast decodes symbols as long as there are plenty of input and of room, and
// returns goOn when there are not. It is one function, and counts bits from the
// beginning of the input, so that its state stays in registers. What it slices
// has a constant length and capacity: then the compiler checks bounds once.
func (d *decoder) fast() status {
	lit, dist := d.lit, d.dist
	in, out := d.in[:len(d.in):len(d.in)], d.out[d.start:len(d.out):len(d.out)]
	at, pos := uint(d.next)*8-d.n, d.pos-d.start
	q := int(at >> 3)
	if q > len(in)-ahead {
		return goOn
	}
	result := goOn
	bits := binary.LittleEndian.Uint64(in[q:q+8:q+8]) >> (at & 7)
	e := lit[bits&litMask]
	for {
		q := int(at >> 3)
		if q > len(in)-ahead || pos < 0 || pos > len(out)-slack {
			break
		}
		// At least 57 bits. The next entry is looked up before, among the bits that
		// are left of the last load, so as not to wait for this one.
		bits = binary.LittleEndian.Uint64(in[q:q+8:q+8]) >> (at & 7)
		room := out[pos : pos+slack : pos+slack]
	entry:
		binary.LittleEndian.PutUint16(room, uint16(e>>8))
		if e < isLength {
			pos += int(e >> 6 & 3)
			at += uint(e & 63)
			bits >>= e & 63
			e = lit[bits&litMask]
			continue
		}
		if e >= special {
			if e&kindMask == litLink {
				e = lit[linked(e, uint32(bits>>litBits))&(litSize-1)]
				goto entry
			}
			result = corrupt
			if e&kindMask == blockEnd {
				at += uint(e & 63)
				result = endOfBlock
			}
			break
		}
		dst := (*[copyRoom]byte)(room[e>>6&3:])
		pos += int(e >> 6 & 3)
		at += uint(e & 63)
		length := 3 + int(e>>16&255) + int(bits&(1<<(e&63)-1)>>(e>>24&63))
		bits >>= e & 63

		e = dist[bits&distMask]
		if e >= distLink {
			bits = binary.LittleEndian.Uint64(in[at>>3:]) >> (at & 7)
			e = dist[linked(e, uint32(bits>>distBits))&(distSize-1)]
		}
		if e >= distSpecial {
			result = corrupt
			break
		}
		at += uint(e & 63)
		from := pos - (int(e>>16) + int(bits&(1<<(e&63)-1)>>(e>>8&63)))
		bits >>= e & 63
		e = lit[bits&litMask]
		if from < 0 || from > len(out)-copyRoom {
			result = corrupt
			break
		}
		if pos-from < 16 {
			repeat(out[from:pos+length], pos-from)
			pos += length
			continue
		}
		// Most matches are done at once. A loop would end at a moment that the
		// processor can't foresee.
		src := (*[copyRoom]byte)(out[from : from+copyRoom : from+copyRoom])
		*(*[16]byte)(dst[0:]) = *(*[16]byte)(src[0:])
		*(*[16]byte)(dst[16:]) = *(*[16]byte)(src[16:])
		*(*[16]byte)(dst[32:]) = *(*[16]byte)(src[32:])
		*(*[16]byte)(dst[48:]) = *(*[16]byte)(src[48:])
		if length > 64 {
			*(*[16]byte)(dst[64:]) = *(*[16]byte)(src[64:])
			*(*[16]byte)(dst[80:]) = *(*[16]byte)(src[80:])
			*(*[16]byte)(dst[96:]) = *(*[16]byte)(src[96:])
			*(*[16]byte)(dst[112:]) = *(*[16]byte)(src[112:])
			for i := 128; i < length; i += 16 {
				*(*[16]byte)(dst[i:]) = *(*[16]byte)(src[i:])
			}
		}
		pos += length
	}
	d.pos, d.next, d.n = d.start+pos, int((at+7)/8), -at&7
	d.bits = uint64(in[max(d.next-1, 0)]) >> (8 - d.n)
	return result
}

// repeat fills s with repetitions of its first n bytes.
func repeat(s []byte, n int) {
	for ; n < len(s); n *= 2 {
		copy(s[n:], s[:n])
	}
}
