package flowlog

import (
	"fmt"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// parquetMagic begins and ends a Parquet file.
const parquetMagic = "PAR1"

// MaxFooter is how many bytes the metadata at the end of a Parquet object may
// have. That of an object of AWS has some thousands.
const MaxFooter = 16 << 20

// The physical types of Parquet.
const (
	parquetBool = iota
	parquetInt32
	parquetInt64
	parquetInt96
	parquetFloat
	parquetDouble
	parquetBytes
	parquetFixed
)

// refusal is why an object is not read: an error of the data.
type refusal struct {
	stage flow.Stage
	why   string
}

func (r *refusal) Error() string { return r.why }

// refuse makes the error of content that cannot be.
func refuse(format string, args ...any) error {
	return &refusal{flow.Content, fmt.Sprintf(format, args...)}
}

// refuseLimit makes the error of content that is larger than allowed.
func refuseLimit(format string, args ...any) error {
	return &refusal{flow.Limit, fmt.Sprintf(format, args...)}
}

// footer is the metadata of an object. Its row groups are read one by one.
type footer struct {
	columns []element // of the first level; those below are passed over
	rows    int64
	groups  thrift // stands in front of the next one
	left    int    // row groups
}

// readFooter reads the metadata, but for the row groups.
func readFooter(b []byte) (f footer, err error) {
	t := thrift{buf: b}
	f.rows, f.left = -1, -1
	t.fields(func(id int64, kind byte) bool {
		switch {
		case id == 2 && kind == thriftList:
			f.columns, err = readSchema(&t)
		case id == 3 && isInt(kind):
			f.rows = t.varint()
		case id == 4 && kind == thriftList:
			before := t
			t.skip(thriftList, 0)
			f.groups = before
			f.left, _ = f.groups.list()
		case id == 8:
			err = refuse("it is encrypted")
			return false
		default:
			return false
		}
		return true
	})
	if err == nil && (t.bad || f.rows < 0 || f.left < 0) {
		err = refuse("its metadata is damaged")
	}
	return f, err
}

// chunk is one column of a row group.
type chunk struct {
	codec, values          int64
	dictionary, data, size int64 // where the pages stand, and their bytes
}

// nextGroup reads the next row group: how many rows it has, and found for each
// of its columns of the first level.
func (f *footer) nextGroup(found func(name string, physical int64, c chunk)) (rows int64, err error) {
	t := &f.groups
	f.left--
	t.fields(func(id int64, kind byte) bool {
		switch {
		case id == 1 && kind == thriftList:
			t.structs(func() { readChunk(t, found) })
		case id == 3 && isInt(kind):
			rows = t.varint()
		default:
			return false
		}
		return true
	})
	if t.bad || rows < 0 {
		return 0, refuse("its metadata is damaged")
	}
	return rows, nil
}

func readChunk(t *thrift, found func(name string, physical int64, c chunk)) {
	t.fields(func(id int64, kind byte) bool {
		if id != 3 || kind != thriftStruct {
			return false
		}
		var (
			c        chunk
			physical int64
			name     []byte
			levels   int
		)
		t.fields(func(id int64, kind byte) bool {
			if id == 3 && kind == thriftList {
				levels, name = readPath(t)
				return true
			}
			to, ok := map[int64]*int64{1: &physical, 4: &c.codec, 5: &c.values, 7: &c.size, 9: &c.data, 11: &c.dictionary}[id]
			if !ok || !isInt(kind) {
				return false
			}
			*to = t.varint()
			return true
		})
		if levels == 1 && !t.bad {
			found(string(name), physical, c)
		}
		return true
	})
}

// readPath returns how deep a column lies, and its name on the first level.
func readPath(t *thrift) (levels int, first []byte) {
	n, kind := t.list()
	if kind != thriftBinary {
		t.fail()
	}
	for i := 0; i < n && !t.bad; i++ {
		if name := t.text(); i == 0 {
			first = name
		}
	}
	return n, first
}

// The kinds of pages.
const (
	pageData       = 0
	pageIndex      = 1
	pageDictionary = 2
	pageDataV2     = 3
)

// pageHeader stands in front of each page.
type pageHeader struct {
	kind                   int64
	plain, packed          int64 // bytes without and with compression
	crc                    int64
	checked                bool // it has a crc
	values, encoding       int64
	levelEncoding          int64
	definition, repetition int64 // bytes of the levels, where they have none of their own
	stored                 bool  // not compressed, whatever the column is
	size                   int64 // of the header
}

// readPageHeader reads the header at the beginning of b.
func readPageHeader(b []byte) (h pageHeader, ok bool) {
	t := thrift{buf: b}
	h.kind, h.values, h.encoding, h.levelEncoding = -1, -1, -1, encodingRLE
	t.fields(func(id int64, kind byte) bool {
		switch {
		case kind == thriftStruct && (id == 5 || id == 7):
			t.fields(h.data(&t, map[int64]*int64{1: &h.values, 2: &h.encoding, 3: &h.levelEncoding}))
		case kind == thriftStruct && id == 8:
			t.fields(h.data(&t, map[int64]*int64{1: &h.values, 4: &h.encoding, 5: &h.definition, 6: &h.repetition}))
		default:
			if id == 4 {
				h.checked = true
			}
			return h.data(&t, map[int64]*int64{1: &h.kind, 2: &h.plain, 3: &h.packed, 4: &h.crc})(id, kind)
		}
		return true
	})
	h.size = int64(t.pos)
	return h, !t.bad
}

// data reads the integers of a structure to where they belong.
func (h *pageHeader) data(t *thrift, to map[int64]*int64) func(id int64, kind byte) bool {
	return func(id int64, kind byte) bool {
		if id == 7 && kind == thriftFalse {
			h.stored = true
		}
		n, ok := to[id]
		if ok = ok && isInt(kind); ok {
			*n = t.varint()
		}
		return ok
	}
}
