package inflate

const (
	// maxLits and maxDists are the most literals and lengths, and the most
	// distances, that a block may name.
	maxLits  = 286
	maxDists = 30
	// lenBits is the length of the longest code for a length.
	lenBits = 7
	lenMask = 1<<lenBits - 1
)

// lenOrder is the order in which the lengths of the codes for lengths are given.
var lenOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// lenAlphabet are the symbols of the codes for lengths. Of their entries, 8-12 are the
// symbol, 16-23 how often it stands for the length, the rest as in a table of
// literals.
var lenAlphabet = func() (a alphabet) {
	a.root, a.step, a.link, a.invalid = lenBits, litStep, litLink, invalid
	for s := range uint32(16) {
		a.entries[s] = s<<8 | 1<<16
	}
	a.entries[16] = 16<<8 | 3<<16 | 2  // 3 to 6 times the length before
	a.entries[17] = 17<<8 | 3<<16 | 3  // 3 to 10 times none
	a.entries[18] = 18<<8 | 11<<16 | 7 // 11 to 138 times none
	return a
}()

// block reads the head of a block.
func (d *decoder) block() status {
	d.fill()
	if d.n < 3 {
		return needInput
	}
	final, kind := d.bits&1 != 0, d.bits>>1&3
	switch kind {
	case 0:
		return d.storedHead(final)
	case 1:
		d.take(3)
		d.t = &fixed
	case 2:
		next, bits, n := d.next, d.bits, d.n
		d.take(3)
		if s := d.dynamicHead(); s != goOn {
			d.next, d.bits, d.n = next, bits, n
			return s
		}
		d.t = &d.own
	default:
		return corrupt
	}
	d.final, d.stage = final, inSymbols
	return goOn
}

// storedHead reads the head of a block that is not compressed.
func (d *decoder) storedHead(final bool) status {
	pad := 3 + (d.n-3)&7
	if d.n < pad+32 {
		return needInput
	}
	d.take(pad)
	size := uint16(d.bits)
	if uint16(d.bits>>16) != ^size {
		return corrupt
	}
	d.take(32)
	d.unread()
	d.final, d.stage, d.stored = final, inStored, int(size)
	return goOn
}

// copyStored copies a block that is not compressed.
func (d *decoder) copyStored() status {
	room := len(d.out) - d.pos - slack
	n := copy(d.out[d.pos:d.pos+max(min(d.stored, room), 0)], d.in[d.next:])
	d.pos += n
	d.next += n
	d.stored -= n
	switch {
	case d.stored == 0:
		return endOfBlock
	case d.next == len(d.in):
		return needInput
	}
	return needRoom
}

// dynamicHead reads the codes of a block and makes its tables.
func (d *decoder) dynamicHead() status {
	d.fill()
	if d.n < 14 {
		return needInput
	}
	lits, dists, lens := int(d.bits&31)+257, int(d.bits>>5&31)+1, int(d.bits>>10&15)+4
	d.take(14)
	if lits > maxLits || dists > maxDists {
		return corrupt
	}
	if s := d.lenCodes(lens); s != goOn {
		return s
	}
	if s := d.readLens(lits, lits+dists); s != goOn {
		return s
	}
	if !d.lits.table(d.own.lit[:], &litAlphabet) || !d.dists.table(d.own.dist[:], &distAlphabet) {
		return corrupt
	}
	return goOn
}

// lenCodes reads the codes for the lengths of the codes. Their table is where
// that of the literals will be.
func (d *decoder) lenCodes(n int) status {
	var length [19]uint16
	for _, s := range lenOrder[:n] {
		if d.n < 3 {
			if d.fill(); d.n < 3 {
				return needInput
			}
		}
		length[s] = uint16(d.bits & 7)
		d.take(3)
	}
	d.lits.reset()
	for s, l := range length {
		if l != 0 {
			d.lits.add(s, l)
		}
	}
	if !d.lits.table(d.own.lit[:], &lenAlphabet) {
		return corrupt
	}
	return goOn
}

// readLens reads n lengths of codes, first those of the literals.
func (d *decoder) readLens(lits, n int) status {
	d.lits.reset()
	d.dists.reset()
	length := uint16(0) // the one before
	for i := 0; i < n; {
		if d.n < 2*lenBits {
			d.fill()
		}
		e := d.own.lit[d.bits&lenMask]
		used, symbol := uint(e&63), uint16(e>>8&31)
		end := i + int(e>>16&255) + int(d.bits&(1<<used-1)>>(e>>24&63))
		switch {
		case used > d.n:
			return needInput
		case e == invalid || symbol == 16 && i == 0 || end > n:
			return corrupt
		case symbol < 16:
			length = symbol
		case symbol > 16:
			length = 0
		}
		d.take(used)
		if length == 0 {
			i = end
		}
		for ; i < end; i++ {
			if i < lits {
				d.lits.add(i, length)
			} else {
				d.dists.add(i-lits, length)
			}
		}
	}
	return goOn
}
