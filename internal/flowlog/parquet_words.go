package flowlog

import (
	"net/netip"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// parquetWords are the entries of a dictionary as its column needs them: read once,
// for all rows that refer to them. Of the lists the column has one, or none where
// its texts are kept as they are. Behind the last entry stands one more, for rows
// without a value.
//
// What is absent or impossible is 0 in addrs and codes: such an entry is read again
// for each row, as a text that stands in its page.
type parquetWords struct {
	numbers []int64
	addrs   []netip.Addr
	codes   []uint8 // action, direction, and status plus 1
}

// readWords reads the entries of the dictionary.
func (p *pages) readWords() error {
	const numberSize, addrSize = 8, 24
	n, w := p.entries+1, &p.words
	switch o := p.plan.op; {
	case p.isNumber():
		if err := p.file.hold(numberSize * n); err != nil {
			return err
		}
		w.numbers = make([]int64, n)
		p.decode(w.numbers[:p.entries], p.dictionary)
		p.limit(w.numbers[:p.entries])
		w.numbers[p.entries] = noNumber
	case o.way() == wayAddrs:
		if err := p.file.hold(addrSize * n); err != nil {
			return err
		}
		w.addrs = make([]netip.Addr, n)
		for i := range p.entries {
			if a, ok := parseAddr(p.entry(uint32(i))); ok {
				w.addrs[i] = a
			}
		}
	case o.way() == wayWords:
		if err := p.file.hold(n); err != nil {
			return err
		}
		w.codes = make([]uint8, n)
		for i := range p.entries {
			w.codes[i] = code(o, p.entry(uint32(i)))
		}
	}
	return nil
}

// code returns what stands for a word of which AWS has a few.
func code(o op, text []byte) uint8 {
	var rec flow.Record
	switch o {
	case opAction:
		setAction(&rec, text)
		return uint8(rec.Action)
	case opDirection:
		setDirection(&rec, text)
		return uint8(rec.Direction)
	}
	if status, ok := statusWord(text); ok {
		return uint8(status) + 1
	}
	return 0
}

// setWords stores what rows refer to by index. Texts that are looked at for each
// row count for what the object holds.
func (p *parquet) setWords(c *pages, records []flow.Record) error {
	size := 0
	switch {
	case c.words.addrs != nil:
		size = p.setAddrs(c, records)
	case c.words.codes != nil:
		size = p.setCodes(c, records)
	default:
		size = p.setEntries(c, records)
	}
	return p.account(int64(size))
}

// setEntry stores a text as one that stands in its page; it returns its size.
func (p *parquet) setEntry(c *pages, row int, rec *flow.Record) (size int) {
	v := c.entry(p.rows.index[row])
	p.setText(c.plan, row, rec, v)
	return len(v)
}

// setEntries stores texts. Rows that follow each other mostly have the same.
func (p *parquet) setEntries(c *pages, records []flow.Record) (size int) {
	b, set := &p.rows, c.plan.set
	usual := set != nil && c.plan.ends[0] == nil && c.plan.ends[1] == nil
	var (
		last uint32
		v    []byte
		good bool
	)
	for i := range records {
		if index := b.index[i]; index != last || i == 0 {
			last, v = index, c.entry(index)
			good = usual && !missing(v) && len(v) <= MaxLine
		}
		size += len(v)
		switch {
		case !good:
			p.setText(c.plan, i, &records[i], v)
		case set(&records[i], v):
			b.traffic[i] = b.traffic[i] || c.plan.vital
		default:
			b.results[i] = Malformed
		}
	}
	return size
}

func (p *parquet) setAddrs(c *pages, records []flow.Record) (size int) {
	b, addrs, vital := &p.rows, c.words.addrs, c.plan.vital
	for i := range records {
		a := addrs[b.index[i]]
		if !a.IsValid() {
			size += p.setEntry(c, i, &records[i])
			continue
		}
		b.traffic[i] = b.traffic[i] || vital
		switch rec := &records[i]; c.plan.op {
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
	return size
}

func (p *parquet) setCodes(c *pages, records []flow.Record) (size int) {
	b, codes := &p.rows, c.words.codes
	for i := range records {
		n := codes[b.index[i]]
		if n == 0 {
			size += p.setEntry(c, i, &records[i])
			continue
		}
		switch rec := &records[i]; c.plan.op {
		case opAction:
			rec.Action = flow.Action(n)
		case opDirection:
			rec.Direction = flow.Direction(n)
		default:
			b.setStatus(i, Result(n-1))
		}
	}
	return size
}
