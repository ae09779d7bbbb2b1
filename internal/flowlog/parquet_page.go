package flowlog

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/snappy"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// The encodings of Parquet that are read.
const (
	encodingPlain      = 0
	encodingPlainIndex = 2 // of a dictionary, as old writers call it
	encodingRLE        = 3
	encodingIndex      = 8
)

// The compressions of Parquet that are read.
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecZstd   = 6
)

// MaxPageHeader is how many bytes the header of a Parquet page may have: it may
// hold two values of the page.
const MaxPageHeader = 256 << 10

// pages reads the values of one column of a row group, page by page.
type pages struct {
	file *parquet
	plan *parquetPlan
	element
	codec int64
	// at is where the next page begins, end where the last one ends.
	at, end int64
	// left is how many rows come in later pages, here how many are left of
	// the page in hand.
	left, here int64

	buf    []byte // the page
	values []byte // what is left of its values
	levels hybrid
	index  hybrid
	coded  bool // the values are indexes

	dictionary []byte
	known      bool // it was read
	entries    int64
	// starts says where in dictionary each text begins, with its length.
	starts []uint32
	words  parquetWords
}

// next makes sure that there is a row of the page in hand.
func (p *pages) next() error {
	for p.here == 0 {
		if p.at >= p.end || p.left == 0 {
			return refuse("column %.40q has fewer rows than its row group", p.name)
		}
		h, err := p.header()
		if err != nil {
			return err
		}
		p.at += h.size
		if h.packed < 0 || h.plain < 0 || h.packed > p.end-p.at || h.kind != pageIndex && h.values < 0 {
			return refuse("a page of column %.40q is damaged", p.name)
		}
		switch h.kind {
		case pageDictionary:
			err = p.takeDictionary(&h)
		case pageData, pageDataV2:
			err = p.takePage(&h)
		}
		if err != nil {
			return err
		}
		p.at += h.packed
	}
	return nil
}

// header reads the header of the next page.
func (p *pages) header() (pageHeader, error) {
	for size := int64(1 << 10); ; size *= 4 {
		size = min(size, p.end-p.at)
		b := p.file.room(size)
		if err := p.file.readAt(b, p.at); err != nil {
			return pageHeader{}, err
		}
		h, ok := readPageHeader(b)
		switch {
		case ok:
			return h, nil
		case size == p.end-p.at:
			return h, refuse("the header of a page of column %.40q is damaged", p.name)
		case size >= MaxPageHeader:
			return h, refuseLimit("the header of a page of column %.40q is damaged, or has more than %d bytes", p.name, MaxPageHeader)
		}
	}
}

func (p *pages) takeDictionary(h *pageHeader) (err error) {
	if p.known {
		return refuse("column %.40q has two dictionaries", p.name)
	}
	if h.encoding != encodingPlain && h.encoding != encodingPlainIndex {
		return refuse("the dictionary of column %.40q has the encoding %d, which is not supported", p.name, h.encoding)
	}
	if p.dictionary, err = p.load(p.dictionary, h, 0); err != nil {
		return err
	}
	p.known, p.entries = true, h.values
	width, fixed := p.width()
	if !fixed {
		width = 4 // of the length before each text
	}
	if h.values > int64(len(p.dictionary))/width {
		return refuse("the dictionary of column %.40q is damaged", p.name)
	}
	if p.physical == parquetBytes {
		if err := p.findTexts(); err != nil {
			return err
		}
	}
	return p.readWords()
}

// findTexts fills starts.
func (p *pages) findTexts() error {
	if err := p.file.hold(4 * p.entries); err != nil {
		return err
	}
	p.starts = make([]uint32, p.entries)
	at, size := 0, len(p.dictionary)
	for i := range p.starts {
		p.starts[i] = uint32(at)
		if size-at < 4 || int64(binary.LittleEndian.Uint32(p.dictionary[at:])) > int64(size-at-4) {
			return refuse("the dictionary of column %.40q is damaged", p.name)
		}
		at += 4 + int(binary.LittleEndian.Uint32(p.dictionary[at:]))
	}
	return nil
}

// width is how many bytes each value has; false where they are texts.
func (p *pages) width() (int64, bool) {
	switch p.physical {
	case parquetInt32, parquetFloat:
		return 4, true
	case parquetInt64, parquetDouble:
		return 8, true
	case parquetFixed:
		return p.length, true
	}
	return 0, false
}

func (p *pages) takePage(h *pageHeader) (err error) {
	if h.values > p.left {
		return refuse("column %.40q has more rows than its row group", p.name)
	}
	levels := int64(0)
	if h.kind == pageDataV2 {
		if levels = h.definition + h.repetition; h.repetition < 0 || h.definition < 0 || h.repetition > h.packed || levels > min(h.packed, h.plain) {
			return refuse("a page of column %.40q is damaged", p.name)
		}
	}
	if p.buf, err = p.load(p.buf, h, levels); err != nil {
		return err
	}
	p.values = p.buf
	switch {
	case h.kind == pageDataV2:
		p.levels = newHybrid(p.buf[h.repetition:levels], 1)
		p.values = p.buf[levels:]
	case p.optional:
		if len(p.buf) < 4 || int64(binary.LittleEndian.Uint32(p.buf)) > int64(len(p.buf)-4) || h.levelEncoding != encodingRLE {
			return refuse("a page of column %.40q is damaged, or has bit-packed levels", p.name)
		}
		size := 4 + int(binary.LittleEndian.Uint32(p.buf))
		p.levels = newHybrid(p.buf[4:size], 1)
		p.values = p.buf[size:]
	}
	if err := p.encoded(h.encoding); err != nil {
		return err
	}
	p.left -= h.values
	p.here = h.values
	return nil
}

// encoded makes ready for the values of a page.
func (p *pages) encoded(encoding int64) error {
	p.coded = encoding == encodingIndex || encoding == encodingPlainIndex
	switch {
	case !p.coded && encoding != encodingPlain:
		return refuse("column %.40q has the encoding %d, which is not supported: plain and dictionary are", p.name, encoding)
	case !p.coded:
	case !p.known:
		return refuse("column %.40q lacks its dictionary", p.name)
	case len(p.values) == 0: // all of it is null
		p.index = hybrid{}
	case p.values[0] > 32:
		return refuse("a page of column %.40q is damaged", p.name)
	default:
		p.index = newHybrid(p.values[1:], uint(p.values[0]))
	}
	return nil
}

// load reads a page into buf and decompresses all of it behind the first bytes.
func (p *pages) load(buf []byte, h *pageHeader, stored int64) ([]byte, error) {
	f := p.file
	if err := f.account(h.plain); err != nil {
		return nil, err
	}
	if more := h.plain - int64(cap(buf)); more > 0 {
		if err := f.hold(more); err != nil {
			return nil, err
		}
		buf = make([]byte, h.plain)
	}
	buf = buf[:h.plain]
	plain := p.codec == codecNone || h.stored
	raw := buf
	if plain && h.packed != h.plain || h.packed > f.max {
		return nil, refuse("a page of column %.40q is damaged", p.name)
	}
	if !plain {
		raw = f.room(h.packed)
	}
	if err := f.readAt(raw, p.at); err != nil {
		return nil, err
	}
	if h.checked && crc32.ChecksumIEEE(raw) != uint32(h.crc) {
		return nil, refuse("a page of column %.40q has a wrong checksum", p.name)
	}
	if plain {
		return buf, nil
	}
	copy(buf, raw[:stored])
	if err := f.inflate(p.codec, buf[stored:], raw[stored:]); err != nil {
		return nil, &refusal{flow.Decompress, "a page of column " + printable(p.name, 40) + " cannot be decompressed: " + err.Error()}
	}
	return buf, nil
}

// inflate fills dst with what src holds, which must be as much.
func (p *parquet) inflate(codec int64, dst, src []byte) error {
	if len(dst) == 0 {
		return nil
	}
	magic := map[int64]string{codecGzip: gzipMagic, codecZstd: zstdMagic}[codec]
	switch {
	case codec == codecSnappy:
		if n, err := snappy.DecodedLen(src); err != nil || n != len(dst) {
			return io.ErrUnexpectedEOF
		}
		_, err := snappy.Decode(dst, src)
		return err
	case magic == "":
		return refuse("compression %d is not supported: gzip, snappy and zstd are", codec)
	case !hasPrefix(src, magic):
		return refuse("it does not begin as such")
	}
	r, err := p.reader.inflate.open(src, bytes.NewReader(src))
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(r, dst); err != nil {
		return err
	}
	if n, err := r.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		return refuse("it is longer than its header says")
	}
	return nil
}
