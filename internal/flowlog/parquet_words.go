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

// setWords stores what rows refer to by index, where it was read with the
// dictionary; false where it was not.
func (p *parquet) setWords(c *pages, records []flow.Record) bool {
	switch {
	case c.words.addrs != nil:
		p.setAddrs(c, records)
	case c.words.codes != nil:
		p.setCodes(c, records)
	default:
		return false
	}
	return true
}

func (p *parquet) setAddrs(c *pages, records []flow.Record) {
	b, addrs, vital := &p.rows, c.words.addrs, c.plan.vital
	for i := range records {
		a := addrs[b.index[i]]
		if !a.IsValid() {
			p.setText(c.plan, i, &records[i], c.entry(b.index[i]))
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
}

func (p *parquet) setCodes(c *pages, records []flow.Record) {
	b, codes := &p.rows, c.words.codes
	for i := range records {
		n := codes[b.index[i]]
		if n == 0 {
			p.setText(c.plan, i, &records[i], c.entry(b.index[i]))
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
}
