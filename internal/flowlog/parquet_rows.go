package flowlog

import "github.com/flowlog-exporter/flowlog-exporter/internal/flow"

// stripRows is of how many rows all columns are read before the next rows: their
// records stay in the first cache of the processor meanwhile.
const stripRows = 128

// parquetRows is a strip of rows on its way to become records.
type parquetRows struct {
	present [stripRows]uint32
	index   [stripRows]uint32
	numbers [stripRows]int64
	texts   [stripRows][]byte
	results [stripRows]Result
	traffic [stripRows]bool
	// written holds numbers that stand where texts are expected.
	written []byte
}

// batch makes records of the next n rows and hands them over.
func (p *parquet) batch(n int) error {
	r := p.reader
	if cap(r.block.Records) < BlockRecords {
		r.block.Records = make([]flow.Record, 0, BlockRecords)
	}
	r.written.by = nil
	p.rows.written = p.rows.written[:0]
	records := r.block.Records[:0]
	for n > 0 {
		kept := len(records)
		strip := records[kept : kept+min(n, stripRows)]
		if err := p.strip(strip); err != nil {
			return err
		}
		records = p.keepParsed(records, strip)
		n -= len(strip)
	}
	r.block.Records = records
	return r.flush()
}

// strip makes records of the next rows.
func (p *parquet) strip(records []flow.Record) error {
	b := &p.rows
	clear(records)
	roster := &p.reader.before.roster
	for i := range records {
		records[i].Names = roster.spare()
		*records[i].Names = flow.Names{}
		roster.used++
		b.results[i], b.traffic[i] = Parsed, p.format.vitals == 0
	}
	for _, c := range p.pages {
		if err := p.column(c, records); err != nil {
			return err
		}
	}
	return nil
}

// keepParsed appends to kept the records of a strip, which begins behind it, but
// for those to pass over. These are counted.
func (p *parquet) keepParsed(kept, strip []flow.Record) []flow.Record {
	b := &p.rows
	for i := range strip {
		result := b.results[i]
		if result != Malformed && !b.traffic[i] {
			result = NoData
		}
		if result != Parsed {
			p.reader.block.Skipped[result.Reason()]++
			continue
		}
		at := len(kept)
		if kept = kept[:at+1]; &kept[at] != &strip[i] {
			kept[at] = strip[i]
		}
	}
	return kept
}

// column reads one column of the batch.
func (p *parquet) column(c *pages, records []flow.Record) error {
	b, n := &p.rows, len(records)
	values, err := c.rows(n, b.present[:], b.index[:n])
	if err != nil {
		return err
	}
	if err := p.account(8 * int64(n)); err != nil {
		return err
	}
	switch {
	case c.isNumber():
		if err := c.numbers(b, n, values); err != nil {
			return err
		}
		if c.plan.op < numNumbers {
			p.setNumbers(c.plan, records)
			return nil
		}
		p.write(c.plan.op, b.numbers[:n])
	case c.coded:
		return p.setWords(c, records)
	default:
		if err := c.texts(b.texts[:values]); err != nil {
			return err
		}
		expand(b.texts[:n], values, b.present[:], nil)
	}
	return p.setTexts(c.plan, records)
}

// expand moves the first values of a list to the rows that have one; the others
// get none.
func expand[T any](list []T, values int, present []uint32, none T) {
	for i := len(list) - 1; i >= values; i-- { // those in front stand where they belong
		if present[i] == 0 {
			list[i] = none
			continue
		}
		values--
		list[i] = list[values]
	}
}
