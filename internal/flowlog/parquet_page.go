package flowlog

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"

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
	if p.physical != parquetBytes {
		return nil
	}
	if err := p.file.hold(4 * h.values); err != nil {
		return err
	}
	p.starts = make([]uint32, h.values)
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

// rows decodes the next n rows: present says which have a value, and index, of
// the values that there are, which of the dictionary each is.
func (p *pages) rows(n int, present, index []uint32) (values int, err error) {
	p.here -= int64(n)
	values = n
	if p.optional {
		if !p.levels.read(present[:n]) {
			return 0, refuse("a page of column %.40q is damaged", p.name)
		}
		values = 0
		for _, level := range present[:n] {
			values += int(level)
		}
	} else {
		for i := range present[:n] {
			present[i] = 1
		}
	}
	if !p.coded {
		return values, nil
	}
	if !p.index.read(index[:values]) {
		return 0, refuse("a page of column %.40q is damaged", p.name)
	}
	for _, i := range index[:values] {
		if int64(i) >= p.entries {
			return 0, refuse("a page of column %.40q refers to what its dictionary lacks", p.name)
		}
	}
	return values, nil
}

// noNumber stands for a value that is no number at all.
const noNumber = math.MinInt64

// numbers decodes values that are numbers. A fraction becomes -1.
func (p *pages) numbers(out []int64, index []uint32) error {
	width, _ := p.width()
	from, size := p.values, int64(len(out))*width
	switch {
	case p.coded:
		from = p.dictionary
	case size > int64(len(from)):
		return refuse("a page of column %.40q is damaged", p.name)
	default:
		p.values = p.values[size:]
	}
	for i := range out {
		at := i * int(width)
		if p.coded {
			at = int(index[i]) * int(width)
		}
		switch p.physical {
		case parquetInt32:
			n := binary.LittleEndian.Uint32(from[at:])
			if out[i] = int64(int32(n)); p.unsigned {
				out[i] = int64(n)
			}
		case parquetInt64:
			out[i] = int64(binary.LittleEndian.Uint64(from[at:]))
		case parquetFloat:
			out[i] = whole(float64(math.Float32frombits(binary.LittleEndian.Uint32(from[at:]))))
		case parquetDouble:
			out[i] = whole(math.Float64frombits(binary.LittleEndian.Uint64(from[at:])))
		}
	}
	return nil
}

// whole makes an integer of a float. Writers that know no absent integer make
// floats of the column, and NaN of what is absent.
func whole(v float64) int64 {
	switch {
	case math.IsNaN(v):
		return noNumber
	case v < 0 || v > maxAmount || v != math.Trunc(v):
		return -1
	}
	return int64(v)
}

// texts decodes values that are texts, as views.
func (p *pages) texts(out [][]byte, index []uint32) error {
	for i := range out {
		switch {
		case p.physical == parquetFixed && p.coded:
			out[i] = p.dictionary[int64(index[i])*p.length:][:p.length:p.length]
		case p.physical == parquetFixed:
			if p.length > int64(len(p.values)) {
				return refuse("a page of column %.40q is damaged", p.name)
			}
			out[i], p.values = p.values[:p.length:p.length], p.values[p.length:]
		case p.coded:
			at := p.dictionary[p.starts[index[i]]:]
			size := binary.LittleEndian.Uint32(at)
			out[i] = at[4 : 4+size : 4+size]
		default:
			if len(p.values) < 4 || int64(binary.LittleEndian.Uint32(p.values)) > int64(len(p.values)-4) {
				return refuse("a page of column %.40q is damaged", p.name)
			}
			end := 4 + binary.LittleEndian.Uint32(p.values)
			out[i], p.values = p.values[4:end:end], p.values[end:]
		}
	}
	return nil
}

// hybrid reads small numbers that are written as runs and as packed bits:
// https://parquet.apache.org/docs/file-format/data-pages/encodings/
type hybrid struct {
	buf  []byte
	bits uint
	// run is how many of value follow, packed how many are in the next bits of
	// which the first used ones are done with.
	run    uint64
	value  uint32
	packed uint64
	used   uint
}

func newHybrid(buf []byte, bits uint) hybrid { return hybrid{buf: buf, bits: bits} }

// read fills out; false when there are not as many.
func (h *hybrid) read(out []uint32) bool {
	for len(out) > 0 {
		switch {
		case h.run > 0:
			n := int(min(h.run, uint64(len(out))))
			for i := range out[:n] {
				out[i] = h.value
			}
			h.run -= uint64(n)
			out = out[n:]
		case h.packed > 0:
			n := int(min(h.packed, uint64(len(out))))
			h.unpack(out[:n])
			h.packed -= uint64(n)
			out = out[n:]
			if h.packed == 0 {
				h.buf = h.buf[min((h.used+7)/8, uint(len(h.buf))):]
			}
		case !h.head():
			return false
		}
	}
	return true
}

// head reads the head of a run.
func (h *hybrid) head() bool {
	n, size := binary.Uvarint(h.buf)
	if size <= 0 {
		return false
	}
	h.buf = h.buf[size:]
	if n&1 == 0 {
		width := int(h.bits+7) / 8
		if h.run = n >> 1; width > len(h.buf) {
			return false
		}
		h.value = 0
		for i := range width {
			h.value |= uint32(h.buf[i]) << (8 * i)
		}
		h.buf = h.buf[width:]
		return uint64(h.value)>>h.bits == 0
	}
	// The last run may lack bytes, where its values are not all meant.
	h.packed, h.used = 8*min(n>>1, math.MaxUint32), 0
	if h.bits > 0 {
		h.packed = min(h.packed, 8*uint64(len(h.buf))/uint64(h.bits))
	}
	return h.packed > 0 || n>>1 == 0
}

// unpack reads packed numbers that are there.
func (h *hybrid) unpack(out []uint32) {
	mask := uint64(1)<<h.bits - 1
	for i := range out {
		at := h.used / 8
		var word uint64
		if at+8 <= uint(len(h.buf)) {
			word = binary.LittleEndian.Uint64(h.buf[at:])
		} else {
			for j := at; j < uint(len(h.buf)); j++ {
				word |= uint64(h.buf[j]) << (8 * (j - at))
			}
		}
		out[i] = uint32(word >> (h.used % 8) & mask)
		h.used += h.bits
	}
}
