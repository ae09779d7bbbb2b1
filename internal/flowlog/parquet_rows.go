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
	for i, c := range p.pages {
		if err := p.column(&p.plan[i], c, records); err != nil {
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
func (p *parquet) column(plan *parquetPlan, c *pages, records []flow.Record) error {
	b := &p.rows
	values, err := c.rows(len(records), b.present[:], b.index[:])
	if err != nil {
		return err
	}
	if err := p.account(8 * int64(len(records))); err != nil {
		return err
	}
	if _, number := c.width(); number && c.physical != parquetFixed {
		if err := c.numbers(b.numbers[:values], b.index[:]); err != nil {
			return err
		}
		if plan.op < numNumbers {
			p.setNumbers(plan, c.perSecond, records)
			return nil
		}
		p.write(plan.op, b.numbers[:values])
	} else if err := c.texts(b.texts[:values], b.index[:]); err != nil {
		return err
	}
	size := 0
	for _, v := range b.texts[:values] {
		size += len(v)
	}
	p.setTexts(plan, records)
	return p.account(int64(size))
}

// setNumbers stores the numbers of a column within the limits that lines have.
// Times are in seconds or milliseconds, as in lines, unless perSecond says more.
func (p *parquet) setNumbers(plan *parquetPlan, perSecond int64, records []flow.Record) {
	b, next := &p.rows, 0
	limit, isTime := limits[plan.op], plan.op == opStart || plan.op == opEnd
	if isTime {
		limit = maxSeconds * 1000
	}
	for i := range records {
		if b.present[i] == 0 {
			continue
		}
		n := b.numbers[next]
		next++
		switch {
		case n == noNumber:
			continue
		case isTime && perSecond > 0 && n > 0:
			n /= perSecond
		}
		switch {
		case n < 0 || uint64(n) > limit:
			b.results[i] = Malformed
			continue
		case isTime && n > maxSeconds:
			n /= 1000
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
func (p *parquet) setTexts(plan *parquetPlan, records []flow.Record) {
	b, next := &p.rows, 0
	for i := range records {
		if b.present[i] == 0 {
			continue
		}
		v := b.texts[next]
		next++
		if missing(v) {
			continue
		}
		if b.traffic[i] = b.traffic[i] || plan.vital || plan.status; !p.setText(plan, i, &records[i], v) {
			b.results[i] = Malformed
		}
	}
}

// setText stores one text; false when it is impossible.
func (p *parquet) setText(plan *parquetPlan, row int, rec *flow.Record, v []byte) bool {
	switch {
	case len(v) > MaxLine:
		return false
	case plan.status:
		status, ok := statusWord(v)
		if ok && p.rows.results[row] == Parsed {
			p.rows.results[row] = status
		}
		return ok
	case plan.set != nil && !plan.set(rec, v):
		return false
	case rec.Direction == flow.DirectionUnknown:
		return true
	}
	if set := plan.ends[rec.Direction-flow.Ingress]; set != nil {
		set(rec, v)
	}
	return true
}

// missing reports whether a text stands for no value: as AWS writes it, and as
// pandas does.
func missing(v []byte) bool {
	return len(v) == 0 || absent(v) || string(v) == "None" || string(v) == "nan"
}
