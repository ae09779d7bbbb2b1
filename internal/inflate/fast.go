package inflate

import "encoding/binary"

const (
	// near is the size of the steps in which matches are copied. A match from
	// nearer than that is copied as a pattern.
	near = 16
	// copyRoom is what a copy may write: 258 bytes in such steps.
	copyRoom = 272
	// slack is the room for output that is needed to decode an entry: literals,
	// of which two are written even if there are none, and a copy, and behind that
	// another one for a pattern.
	slack = 3 + 2*copyRoom
	// ahead is the input that is needed to decode an entry without counting the
	// bits: 8 bytes are loaded at a time, of which it takes up to 38 bits.
	ahead = 8
)

// fast decodes symbols as long as there are plenty of input and of room. What is
// rare it leaves to symbol, untouched: the end of the block, codes that need two
// look-ups, all that is corrupt.
//
// It is one function without calls, and counts bits from the beginning of the
// input, so that its state stays in registers. What it slices has a constant
// length and capacity: then the compiler checks bounds once. What the next
// look-up waits for comes first.
func (d *decoder) fast() {
	in, out := d.in[:len(d.in):len(d.in)], d.out[d.start:len(d.out):len(d.out)]
	t, at, pos := d.t, uint(d.next)*8-d.n, d.pos-d.start
	q := int(at >> 3)
	if q > len(in)-ahead {
		return
	}
	e := t.lit[binary.LittleEndian.Uint64(in[q:q+8:q+8])>>(at&7)&litMask]
	for {
		q := int(at >> 3)
		if q > len(in)-ahead || pos < 0 || pos > len(out)-slack {
			break
		}
		// At least 57 bits. The next entry is looked up before, among the bits that
		// are left of the last load, so as not to wait for this one.
		bits := binary.LittleEndian.Uint64(in[q:q+8:q+8]) >> (at & 7)
		room := out[pos : pos+slack : pos+slack]
		binary.LittleEndian.PutUint16(room, uint16(e>>8))
		if e < isLength {
			pos += int(e >> 6 & 3)
			at += uint(e & 63)
			bits >>= e & 63
			e = t.lit[bits&litMask]
			continue
		}
		if e >= special {
			break
		}
		code := bits >> (e & 63)
		de := t.dist[code&(1<<distBits-1)]
		if de >= isLength {
			break
		}
		next := t.lit[code>>(de&63)&litMask]
		room = room[e>>6&3:]
		end := pos + int(e>>6&3)
		from := end - int(de>>16) - int(code&(1<<(de&63)-1)>>(de>>8&63))
		if from < 0 || from > len(out)-copyRoom {
			break
		}
		length := 3 + int(e>>16&255) + int(bits&(1<<(e&63)-1)>>(e>>24&63))
		at += uint(e&63) + uint(de&63)
		pos = end + length
		e = next
		dst, src := (*[copyRoom]byte)(room), (*[copyRoom]byte)(out[from:from+copyRoom:from+copyRoom])
		if distance := end - from; distance < near {
			// The pattern stands in the text, as often as it fits a step. The copy
			// below has nothing more to do, but where it does no harm: this branch
			// joins the other, for the compiler then keeps addresses in registers.
			for i := range near {
				dst[i] = src[i]
			}
			pattern, step := *(*[near]byte)(dst[:]), near/distance*distance
			for i := step; i < length; i += step {
				*(*[near]byte)(dst[i:]) = pattern
			}
			dst, src, length = (*[copyRoom]byte)(out[pos:]), (*[copyRoom]byte)(out), 0
		}
		// Most matches are done at once. A loop would end at a moment that the
		// processor can't foresee.
		*(*[16]byte)(dst[0:]) = *(*[16]byte)(src[0:])
		*(*[16]byte)(dst[16:]) = *(*[16]byte)(src[16:])
		*(*[16]byte)(dst[32:]) = *(*[16]byte)(src[32:])
		*(*[16]byte)(dst[48:]) = *(*[16]byte)(src[48:])
		*(*[16]byte)(dst[64:]) = *(*[16]byte)(src[64:])
		*(*[16]byte)(dst[80:]) = *(*[16]byte)(src[80:])
		*(*[16]byte)(dst[96:]) = *(*[16]byte)(src[96:])
		*(*[16]byte)(dst[112:]) = *(*[16]byte)(src[112:])
		for i := 128; i < length; i += 16 {
			*(*[16]byte)(dst[i:]) = *(*[16]byte)(src[i:])
		}
	}
	d.pos, d.next, d.n = d.start+pos, int((at+7)/8), -at&7
	d.bits = uint64(in[max(d.next-1, 0)]) >> (8 - d.n)
}
