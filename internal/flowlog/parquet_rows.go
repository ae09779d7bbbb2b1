package flowlog

import (
	"fmt"
	"strconv"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// parquetRows is a batch of rows on its way to become records.
type parquetRows struct {
	present [BlockRecords]uint32
	index   [BlockRecords]uint32
	numbers [BlockRecords]int64
	texts   [BlockRecords][]byte
	results [BlockRecords]Result
	traffic [BlockRecords]bool
	// written holds numbers that stand where texts are expected.
	written []byte
}

// batch makes records of the next n rows and hands them over.
func (p *parquet) batch(n int) error {
	r, b := p.reader, &p.rows
	if cap(r.block.Records) < BlockRecords {
		r.block.Records = make([]flow.Record, 0, BlockRecords)
	}
	records := r.block.Records[:n]
	clear(records)
	clear(r.wrote[:n])
	b.written = b.written[:0]
	for i := range n {
		b.results[i], b.traffic[i] = Parsed, p.format.vitals == 0
	}
	for _, c := range p.pages {
		if err := p.column(c, records); err != nil {
			return err
		}
	}
	kept := 0
	for i := range records {
		result := b.results[i]
		if result != Malformed && !b.traffic[i] {
			result = NoData
		}
		if result != Parsed {
			r.block.Skipped[result.Reason()]++
			continue
		}
		if kept != i {
			records[kept] = records[i]
		}
		kept++
	}
	r.block.Records = records[:kept]
	return r.flush()
}

// column reads one column of the batch.
func (p *parquet) column(c *pages, records []flow.Record) error {
	b, n := &p.rows, len(records)
	values, err := c.rows(n, b.present[:], b.index[:])
	if err != nil {
		return err
	}
	if err := p.account(8 * int64(n)); err != nil {
		return err
	}
	present := b.present[:n]
	if c.coded {
		expand(b.index[:n], values, present, uint32(c.entries))
	}
	switch {
	case c.isNumber():
		if err := c.numbers(b, values, present); err != nil {
			return err
		}
		if c.plan.op < numNumbers {
			p.setNumbers(c.plan, records)
			return nil
		}
		p.write(c.plan.op, b.numbers[:n])
	case c.coded && p.setWords(c, records):
		return nil
	case c.coded:
		for i, index := range b.index[:n] {
			b.texts[i] = c.entry(index)
		}
	default:
		if err := c.texts(b.texts[:values]); err != nil {
			return err
		}
		expand(b.texts[:n], values, present, nil)
	}
	return p.setTexts(c.plan, records)
}

// expand moves the first values of a list to the rows that have one; the others
// get none.
func expand[T any](list []T, values int, present []uint32, none T) {
	if values == len(list) {
		return
	}
	for i := len(list) - 1; i >= 0; i-- {
		if present[i] == 0 {
			list[i] = none
			continue
		}
		values--
		list[i] = list[values]
	}
}

// setNumbers stores the numbers of a column.
func (p *parquet) setNumbers(plan *parquetPlan, records []flow.Record) {
	b := &p.rows
	for i := range records {
		n := b.numbers[i]
		if n < 0 {
			if n != noNumber {
				b.results[i] = Malformed
			}
			continue
		}
		b.traffic[i] = b.traffic[i] || plan.vital
		rec := &records[i]
		switch plan.op {
		case opSrcPort:
			rec.SrcPort = uint16(n)
		case opDstPort:
			rec.DstPort = uint16(n)
		case opProtocol:
			rec.Protocol = uint8(n)
		case opTCPFlags:
			rec.TCPFlags = uint8(n)
		case opTrafficPath:
			rec.TrafficPath = uint8(n)
		case opPackets:
			rec.Packets = uint64(n)
		case opBytes:
			rec.Bytes = uint64(n)
		case opStart:
			rec.Start = n
		case opEnd:
			rec.End = n
		}
	}
}

// write makes texts of numbers: account ids that have lost their zeros.
func (p *parquet) write(o op, numbers []int64) {
	b := &p.rows
	for i, n := range numbers {
		at := len(b.written)
		switch {
		case n == noNumber:
		case o == opAccountID:
			b.written = fmt.Appendf(b.written, "%012d", n)
		default:
			b.written = strconv.AppendInt(b.written, n, 10)
		}
		b.texts[i] = b.written[at:len(b.written):len(b.written)]
	}
}

// setTexts stores the texts of a column as those of a line are.
func (p *parquet) setTexts(plan *parquetPlan, records []flow.Record) error {
	size := 0
	for i := range records {
		v := p.rows.texts[i]
		size += len(v)
		p.setText(plan, i, &records[i], v)
	}
	return p.account(int64(size))
}

// setText stores one text.
func (p *parquet) setText(plan *parquetPlan, row int, rec *flow.Record, v []byte) {
	if missing(v) {
		return
	}
	b := &p.rows
	b.traffic[row] = b.traffic[row] || plan.vital
	switch {
	case len(v) > MaxLine:
		b.results[row] = Malformed
	case plan.status:
		status, _ := statusWord(v) // Malformed where it is none
		b.setStatus(row, status)
	case plan.set != nil && !plan.set(rec, v):
		b.results[row] = Malformed
	case rec.Direction != flow.DirectionUnknown:
		if set := plan.ends[rec.Direction-flow.Ingress]; set != nil {
			set(rec, v)
		}
	}
}

// setStatus stores what log-status says of a row.
func (b *parquetRows) setStatus(row int, status Result) {
	b.traffic[row] = true
	if status == Malformed || b.results[row] == Parsed {
		b.results[row] = status
	}
}

// missing reports whether a text stands for no value: as AWS writes it, and as
// pandas does.
func missing(v []byte) bool {
	return len(v) == 0 || absent(v) || string(v) == "None" || string(v) == "nan"
}
