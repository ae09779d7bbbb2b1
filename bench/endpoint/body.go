package endpoint

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// Body is an envelope that can be sent again and again as another delivery: the
// name of its log stream ends in a number. Up to there it stands in a stored
// block, so that what follows is compressed once and for all.
type Body struct {
	// Records is how many flow log lines it has.
	Records int

	head   []byte // up to the number
	tail   []byte // after it
	packed []byte // the tail as deflate
}

// stamp is how many digits the number has.
const stamp = 12

// The pieces of a gzip member around its blocks.
const (
	gzipHeader  = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
	storedBlock = 0 // not the last one
)

var errNoStream = errors.New(`no envelope of the corpus: its log stream does not end in "-all"`)

// Prepare takes an envelope of a corpus apart.
func Prepare(data []byte) (*Body, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	head, tail, ok := bytes.Cut(text, []byte(`-all"`))
	if !ok {
		return nil, errNoStream
	}
	b := &Body{Records: strings.Count(string(text), `"message":`), head: append(head, '-'), tail: append([]byte{'"'}, tail...)}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, 6)
	if err != nil {
		return nil, err
	}
	_, _ = w.Write(b.tail) // into memory
	_ = w.Close()
	b.packed = packed.Bytes()
	return b, nil
}

// appendGzip appends the body as the delivery of this number.
func (b *Body) appendGzip(to []byte, number uint64) []byte {
	to = append(append(to, gzipHeader...), storedBlock)
	size := uint16(len(b.head) + stamp)
	to = binary.LittleEndian.AppendUint16(to, size)
	to = binary.LittleEndian.AppendUint16(to, ^size)
	from := len(to)
	to = fmt.Appendf(append(to, b.head...), "%0*d", stamp, number)
	sum := crc32.Update(crc32.ChecksumIEEE(to[from:]), crc32.IEEETable, b.tail)
	to = binary.LittleEndian.AppendUint32(append(to, b.packed...), sum)
	return binary.LittleEndian.AppendUint32(to, uint32(int(size)+len(b.tail)))
}

// appendBase64 appends the body as the delivery of this number, in base64.
func (b *Body) appendBase64(to []byte, number uint64) []byte {
	data := b.appendGzip(make([]byte, 0, len(b.head)+len(b.packed)+64), number)
	return base64.StdEncoding.AppendEncode(to, data)
}
