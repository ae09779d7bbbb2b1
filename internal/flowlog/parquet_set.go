package flowlog

import (
	"fmt"
	"strconv"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

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
		switch rec := &records[i]; plan.op {
		case opStart:
			rec.Start = n
		case opEnd:
			rec.End = n
		default:
			plan.op.count(uint64(n), rec)
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
	if b.results[row] == Parsed {
		b.results[row] = status
	}
}

// missing reports whether a text stands for no value: as AWS writes it, and as
// pandas does.
func missing(v []byte) bool {
	return len(v) == 0 || absent(v) || string(v) == "None" || string(v) == "nan"
}
