package flowlog

import "github.com/flowlog-exporter/flowlog-exporter/internal/flow"

// quickLine reads the line at p, up to the byte that ends it, into the next place
// of the block, which must not be full. It returns where the line ends; 0 says
// that it is for Set.Parse. The record joins the block in join.
func (r *Reader) quickLine(w *window, p uint, end byte) (rec *flow.Record, to uint, result Result) {
	for i := 0; ; i++ {
		f := r.set.quick[i]
		rec = r.place(f)
		if to, result = f.quick(w, p, end, rec, &r.before); to > 0 || i == len(r.set.quick)-1 {
			return rec, to, result
		}
	}
}

// place returns the next place of the block for a record of a format. It holds
// nothing that the format would not overwrite.
func (r *Reader) place(f *Format) *flow.Record {
	n := len(r.block.Records)
	if n < cap(r.block.Records) && r.wrote[n] == f && !f.attached {
		return &r.block.Records[:n+1][n]
	}
	rec := r.free()
	*rec = flow.Record{}
	r.wrote[n] = f
	return rec
}

// join counts what quickLine has read.
func (r *Reader) join(result Result) {
	if result != Parsed {
		r.block.Skipped[result.Reason()]++
		return
	}
	r.block.Records = r.block.Records[:len(r.block.Records)+1]
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
		r.join(result)
		if err := r.flushFull(); err != nil {
			return read, err
		}
	}
}
