package flowlog

import "encoding/binary"

// thrift reads the compact protocol of Apache Thrift, in which Parquet keeps its
// metadata, without making anything of what it passes over. What it reads past
// the end, or cannot be, makes it bad; every answer is 0 from then on.
//
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
type thrift struct {
	buf []byte
	pos int
	bad bool
}

// The types of the protocol that Parquet has.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
	thriftUUID   = 13
)

// maxThriftDepth is how deep structures may nest. Those of Parquet have six levels.
const maxThriftDepth = 16

// fail makes t bad.
func (t *thrift) fail() { t.bad, t.pos = true, len(t.buf) }

func (t *thrift) byte() byte {
	if t.pos >= len(t.buf) {
		t.fail()
		return 0
	}
	t.pos++
	return t.buf[t.pos-1]
}

func (t *thrift) uvarint() uint64 {
	n, size := binary.Uvarint(t.buf[t.pos:])
	if size <= 0 {
		t.fail()
		return 0
	}
	t.pos += size
	return n
}

// varint reads an integer of any width.
func (t *thrift) varint() int64 {
	n := t.uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

// take returns the next n bytes.
func (t *thrift) take(n uint64) []byte {
	if n > uint64(len(t.buf)-t.pos) {
		t.fail()
		return nil
	}
	t.pos += int(n)
	return t.buf[t.pos-int(n) : t.pos]
}

// text reads a string, as a view.
func (t *thrift) text() []byte { return t.take(t.uvarint()) }

// list reads how many elements of which type follow. Each has a byte at least.
func (t *thrift) list() (n int, kind byte) {
	head := t.byte()
	size := uint64(head >> 4)
	if size == 15 {
		size = t.uvarint()
	}
	if size > uint64(len(t.buf)-t.pos) {
		t.fail()
		return 0, 0
	}
	return int(size), head & 15
}

// fields reads a structure: for each field it calls read, which reads the value
// and answers true, or leaves it alone.
func (t *thrift) fields(read func(id int64, kind byte) bool) { t.structure(read, 0) }

func (t *thrift) structure(read func(id int64, kind byte) bool, depth int) {
	for id := int64(0); ; {
		head := t.byte()
		if head == 0 {
			return
		}
		if delta := int64(head >> 4); delta > 0 {
			id += delta
		} else {
			id = t.varint()
		}
		if kind := head & 15; !read(id, kind) {
			t.skip(kind, depth)
		}
	}
}

// structs reads a list of structures, each with read.
func (t *thrift) structs(read func()) {
	n, kind := t.list()
	if n > 0 && kind != thriftStruct {
		t.fail()
	}
	for range n {
		if t.bad {
			return
		}
		read()
	}
}

// skip passes over the value of a field.
func (t *thrift) skip(kind byte, depth int) {
	if depth++; depth > maxThriftDepth {
		t.fail()
		return
	}
	switch {
	case kind == thriftTrue || kind == thriftFalse: // the type is the value
	case kind == thriftByte:
		t.byte()
	case kind > thriftByte && kind <= thriftI64:
		t.uvarint()
	case kind == thriftDouble:
		t.take(8)
	case kind == thriftBinary:
		t.text()
	case kind == thriftUUID:
		t.take(16)
	case kind == thriftStruct:
		t.structure(func(int64, byte) bool { return false }, depth)
	case kind == thriftList || kind == thriftSet:
		n, element := t.list()
		for i := 0; i < n && !t.bad; i++ {
			t.skipElement(element, depth)
		}
	case kind == thriftMap:
		n := t.uvarint()
		if n == 0 {
			return
		}
		kinds := t.byte()
		for i := uint64(0); i < n && !t.bad; i++ {
			t.skipElement(kinds>>4, depth)
			t.skipElement(kinds&15, depth)
		}
	default:
		t.fail()
	}
}

// skipElement passes over an element, of which a boolean has a byte.
func (t *thrift) skipElement(kind byte, depth int) {
	if kind == thriftTrue || kind == thriftFalse {
		kind = thriftByte
	}
	t.skip(kind, depth)
}

// isInt reports whether a field is an integer that is written as a varint.
func isInt(kind byte) bool { return kind > thriftByte && kind <= thriftI64 }
