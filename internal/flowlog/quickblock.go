package flowlog

import "github.com/flowlog-exporter/flowlog-exporter/internal/flow"

// quickLine reads the line at p, up to the byte that ends it, into the next place
// of the block, which must not be full. It returns where the line ends; 0 says
// that it is for Set.Parse. The record joins the block in join.
func (r *Reader) quickLine(w *window, p uint, end byte) (rec *flow.Record, to uint, result Result) {
	for _, f := range r.set.quick {
		rec = r.place(f)
		if to, result = f.quick(w, p, end, rec, &r.before); to > 0 {
			break
		}
	}
	return rec, to, result
}

// place returns the next place of the block for a record of a format. It holds
// nothing that the format would not overwrite.
func (r *Reader) place(f *Format) *flow.Record {
	rec, n := r.free(), len(r.block.Records)
	if r.wrote[n] != f || f.attached {
		*rec = flow.Record{}
		r.wrote[n] = f
	}
	return rec
}

// join counts what quickLine has read.
func (r *Reader) join(rec *flow.Record, result Result) {
	if result != Parsed {
		r.block.Skipped[result.Reason()]++
		return
	}
	r.block.Records = r.block.Records[:len(r.block.Records)+1]
	r.complete(rec)
}

// quickLines reads lines of text, each with its end, and returns how many bytes
// of data they have. It stops in front of one that is for textLine.
func (r *Reader) quickLines(data []byte) (read int, err error) {
	for {
		w := windowAt(data, read)
		if w == nil {
			return read, nil
		}
		rec, end, result := r.quickLine(w, 0, '\n')
		if end == 0 || int(end) >= len(data)-read {
			return read, nil
		}
		rec.EventID = nil
		read += int(end) + 1
		r.join(rec, result)
		if err := r.flushFull(); err != nil {
			return read, err
		}
	}
}
