package flowlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// MaxSpooled is how many bytes of a Parquet object are kept in memory when it
// can only be read from its beginning, as through a pipe.
const MaxSpooled = 64 << 20

// parquet is a Parquet object in hand. It is read in row groups, and of each the
// columns side by side, so that no more than a page of each column, its dictionary
// and what was read of that are in memory: together MaxInflated bytes, and one
// compressed page.
//
// https://parquet.apache.org/docs/file-format/
type parquet struct {
	reader *Reader
	src    io.ReaderAt
	size   int64
	max    int64
	// held is how many bytes the pages and dictionaries in hand have.
	held int64
	// read is how many bytes pages and values had so far.
	read int64
	raw  []byte

	footer footer
	format *Format
	// columns are those of the schema that are kept; of each, plan says what for.
	columns []int
	plan    []parquetPlan
	pages   []*pages
	rows    parquetRows
}

// parquetPlan says what a column is kept for: the field, or an end of a transit
// gateway record.
type parquetPlan struct {
	column
	status bool
	// ends are the setters of the source's (0) and the destination's (1) end.
	ends [2]setter
}

// streamParquet reads the stream in hand as Parquet.
func (r *Reader) streamParquet() error {
	s := &r.stream
	o, ok := s.src.r.(flow.Object)
	if ok && s.ratio.r == nil && o.Size() >= 0 {
		return r.parquet(o, o.Size())
	}
	data := bytes.Clone(s.unread())
	if s.err == nil {
		data, s.err = readAll(data, s.out, MaxSpooled)
	}
	switch {
	case s.src.err != nil:
		return s.src.err
	case s.err != nil && !errors.Is(s.err, io.EOF):
		return r.void(&refusal{decodeStage(sizeError(s.err)), "it cannot be read whole: " + s.err.Error()}, int64(len(data)))
	}
	return r.parquet(bytes.NewReader(data), int64(len(data)))
}

// void ends a body that is refused: of what came before it nothing counts.
func (r *Reader) void(why *refusal, size int64) error {
	r.reset()
	r.block.Void = true
	r.block.Failures[why.stage]++
	if r.notices.due(topicMessage) {
		r.logger.Warn("a Parquet object cannot be read, nothing of it counts: "+printable(why.why, maxTold), "stage", why.stage.String(), "bytes", size)
	}
	return r.flush()
}

// parquet reads a Parquet object. An error is one of the machine, or of yield.
func (r *Reader) parquet(src io.ReaderAt, size int64) error {
	p := &parquet{reader: r, src: src, size: size, max: r.max}
	err := p.open()
	for err == nil && p.footer.left > 0 {
		err = p.group()
	}
	if err == nil && p.footer.rows != 0 {
		err = refuse("its row groups have not the rows that it says it has")
	}
	var why *refusal
	if errors.As(err, &why) {
		return r.void(why, size)
	}
	return err
}

// open reads the metadata and works out what the columns are for.
func (p *parquet) open() (err error) {
	const ends = int64(2*len(parquetMagic) + 4)
	if p.size < ends {
		return refuse("it ends too early")
	}
	var tail [8]byte
	if err := p.readAt(tail[:], p.size-int64(len(tail))); err != nil {
		return err
	}
	size := int64(binary.LittleEndian.Uint32(tail[:]))
	switch {
	case string(tail[4:]) != parquetMagic:
		return refuse("its end is missing, or it is encrypted")
	case size > MaxFooter:
		return refuseLimit("its metadata has %d bytes, at most %d are allowed", size, MaxFooter)
	case size > p.size-ends:
		return refuse("its metadata is damaged")
	}
	meta := make([]byte, size)
	if err := p.readAt(meta, p.size-8-size); err != nil {
		return err
	}
	p.size -= 8 + size
	if p.footer, err = readFooter(meta); err != nil {
		return err
	}
	var at []int
	if p.format, at, err = p.footer.format(); err != nil {
		return err
	}
	p.reader.come(origin{})
	p.reader.use(Fixed(p.format))
	return p.keep(at)
}

// keep makes the plan: at says where in the schema each column of the format is.
func (p *parquet) keep(at []int) error {
	var last []parquetPlan // ends come when the direction is known
	var lastAt []int
	for i, c := range p.format.columns {
		plan := parquetPlan{column: c, status: i == p.format.status}
		for side := range p.format.ends {
			for _, e := range p.format.ends[side] {
				if e.index == i {
					plan.ends[side] = e.set
				}
			}
		}
		isEnd := plan.ends[0] != nil || plan.ends[1] != nil
		if c.set == nil && !plan.status && !isEnd {
			continue
		}
		switch e := p.footer.columns[at[i]]; {
		case e.repeated, e.physical < parquetInt32, e.physical == parquetInt96, e.physical > parquetFixed,
			e.physical == parquetFixed && (e.length < 1 || e.length > MaxLine):
			return refuse("column %.40q is of a type that no flow log has", e.name)
		}
		if isEnd {
			last, lastAt = append(last, plan), append(lastAt, at[i])
		} else {
			p.plan, p.columns = append(p.plan, plan), append(p.columns, at[i])
		}
	}
	p.plan, p.columns = append(p.plan, last...), append(p.columns, lastAt...)
	if len(p.plan) == 0 {
		return refuse("it has no column of a flow log that is kept")
	}
	return nil
}

// group reads a row group in batches: as many rows as the pages in hand all have.
func (p *parquet) group() error {
	if err := p.begin(); err != nil {
		return err
	}
	for p.pages[0].left+p.pages[0].here > 0 {
		n := int64(BlockRecords)
		for _, c := range p.pages {
			if err := c.next(); err != nil {
				return err
			}
			n = min(n, c.here)
		}
		if err := p.batch(int(n)); err != nil {
			return err
		}
	}
	return nil
}

// begin finds the columns of the next row group.
func (p *parquet) begin() error {
	index := make(map[string]int, len(p.columns))
	for i, at := range p.columns {
		index[p.footer.columns[at].name] = i
	}
	p.held = 0
	p.pages = make([]*pages, len(p.columns))
	damaged := false
	rows, err := p.footer.nextGroup(func(name string, physical int64, c chunk) {
		i, ok := index[name]
		if !ok {
			return
		}
		e := p.footer.columns[p.columns[i]]
		from := c.data
		if c.dictionary > 0 {
			from = min(from, c.dictionary)
		}
		damaged = damaged || p.pages[i] != nil || physical != e.physical || from < 4 || c.size < 0 || c.size > p.size-from
		p.pages[i] = &pages{file: p, plan: &p.plan[i], element: e, codec: c.codec, at: from, end: from + c.size, left: c.values}
	})
	if err != nil {
		return err
	}
	p.footer.rows -= rows
	for i, c := range p.pages {
		if c == nil {
			return refuse("a row group lacks column %.40q", p.footer.columns[p.columns[i]].name)
		}
		damaged = damaged || c.left != rows
	}
	if damaged || p.footer.rows < 0 {
		return refuse("its metadata is damaged")
	}
	return nil
}

// readAt fills b from off on. What lies beyond the end is damage.
func (p *parquet) readAt(b []byte, off int64) error {
	n, err := p.src.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return refuse("it ends too early")
	}
	return err
}

// room returns a buffer that is good until the next call.
func (p *parquet) room(size int64) []byte {
	if int64(cap(p.raw)) < size {
		p.raw = make([]byte, size)
	}
	return p.raw[:size]
}

// hold takes memory for a page or a dictionary.
func (p *parquet) hold(more int64) error {
	if p.held += more; more > p.max || p.held > p.max {
		return refuseLimit("its pages and dictionaries have more than %d bytes at once", p.max)
	}
	return nil
}

// account counts what pages and values hold, as MaxRatio wants it.
func (p *parquet) account(more int64) error {
	if p.read += more; p.read > max(RatioFrom, MaxRatio*p.size) {
		return refuseLimit("what it holds has more than %d times its size", MaxRatio)
	}
	return nil
}
