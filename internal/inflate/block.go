package inflate

const (
	// maxLits and maxDists are the most literals and lengths, and the most
	// distances, that a block may name.
	maxLits, maxDists = 286, 30
	// lenBits is the length of the longest code for a length.
	lenBits = 7
)

// lenOrder is the order in which the lengths of the codes for lengths are given.
var lenOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// lenAlphabet are the symbols of the codes for lengths. Of their entries, 8-12
// are the symbol, 16-23 how often it stands for the length, the rest as in a
// table of literals.
var lenAlphabet = func() alphabet {
	a := alphabet{root: lenBits, step: litStep}
	for s := range uint32(16) {
		a.entries[s] = s<<8 | 1<<16
	}
	a.entries[16] = 16<<8 | 3<<16 | 2  // 3 to 6 times the length before
	a.entries[17] = 17<<8 | 3<<16 | 3  // 3 to 10 times none
	a.entries[18] = 18<<8 | 11<<16 | 7 // 11 to 138 times none
	return a
}()

// block reads the head of a block, all of it or nothing.
func (d *decoder) block() status {
	next, bits, n := d.next, d.bits, d.n
	d.short = false
	s := d.head()
	if d.short {
		d.next, d.bits, d.n, d.step = next, bits, n, (*decoder).block
		return needInput
	}
	return s
}

// head reads the head of a block, as if there were input enough.
func (d *decoder) head() status {
	d.final = d.get(1) != 0
	d.step = (*decoder).symbols
	switch d.get(2) {
	case 0:
		d.take(d.n % 8)
		d.stored, d.step = d.get(16), (*decoder).copyStored
		if d.get(16) != d.stored^0xffff {
			return corrupt
		}
		d.unread()
	case 1:
		d.t = &fixed
	case 2:
		d.t = &d.own
		return d.readCodes()
	default:
		return corrupt
	}
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

// readCodes reads the codes of a block and makes its tables.
func (d *decoder) readCodes() status {
	lits, dists, lens := d.get(5)+257, d.get(5)+1, d.get(4)+4
	if lits > maxLits || dists > maxDists {
		return corrupt
	}
	var length [19]int
	for _, s := range lenOrder[:lens] {
		length[s] = d.get(3)
	}
	d.lits.reset()
	for s, l := range length {
		d.lits.add(s, l)
	}
	// The table of the codes for lengths is where that of the literals will be.
	if !d.lits.table(d.own.lit[:], &lenAlphabet) || !d.readLens(lits, lits+dists) ||
		!d.lits.table(d.own.lit[:], &litAlphabet) || !d.dists.table(d.own.dist[:], &distAlphabet) {
		return corrupt
	}
	return goOn
}

// readLens reads n lengths of codes, first those of the literals, and reports
// whether it can.
func (d *decoder) readLens(lits, n int) bool {
	d.lits.reset()
	d.dists.reset()
	length := 0 // the one before
	for i := 0; i < n; {
		if d.n < 2*lenBits {
			d.fill()
		}
		e := d.own.lit[d.bits&(1<<lenBits-1)]
		used, symbol := uint(e&63), int(e>>8&31)
		end := i + int(e>>16&255) + int(d.bits&(1<<used-1)>>(e>>24&63))
		switch {
		case used > d.n:
			d.short = true
			return false
		case e == invalid || symbol == 16 && i == 0 || end > n:
			return false
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
	return true
}
