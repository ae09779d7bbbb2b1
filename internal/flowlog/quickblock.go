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
	if places := r.places(f); len(places) > 0 {
		return &places[0]
	}
	rec := r.free()
	*rec = flow.Record{}
	if n := len(r.block.Records); r.written.by != f || r.written.to != n {
		r.written = written{f, n, n}
	}
	r.written.to++
	return rec
}

// places returns those of the block that are next, as far as place would return
// them as they are.
func (r *Reader) places(f *Format) []flow.Record {
	n := len(r.block.Records)
	if r.written.by != f || f.attached || n < r.written.from || n >= r.written.to {
		return nil
	}
	return r.block.Records[n:r.written.to]
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
