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
// block of gzip, so that what follows is compressed, put into base64 and added up
// once and for all. Serving it takes little of the machine on which a reader is
// measured.
type Body struct {
	// Records is how many flow log lines it has.
	Records int

	opening []byte // of the gzip member: all before the number
	closing []byte // of the stored block: what stands behind the number
	packed  string // base64 of what follows, but for
	rest    []byte // these bytes, which fill no group of base64
	size    int    // of the text
	sum     uint32 // of the text behind the number
	// shift has for each bit of a sum what it becomes of that text.
	shift [32]uint32
}

const (
	// stamp is how many digits the number has.
	stamp = 12
	// gzipHeader begins a member.
	gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
	// storedBlock is the type of a block that is not the last one.
	storedBlock = 0
	blockHeader = 5
	// group is how many bytes base64 takes at once.
	group = 3
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
	head, tail = append(head, '-'), append([]byte{'"'}, tail...)
	b := &Body{Records: strings.Count(string(text), `"message":`), size: len(head) + stamp + len(tail), sum: crc32.ChecksumIEEE(tail)}
	b.foresee(len(tail))
	before := len(gzipHeader) + blockHeader + len(head) + stamp
	stored := (group - before%group) % group // the packed part begins with a group
	b.closing, tail = tail[:stored], tail[stored:]
	length := uint16(len(head) + stamp + stored)
	b.opening = append(append(b.opening, gzipHeader...), storedBlock)
	b.opening = binary.LittleEndian.AppendUint16(b.opening, length)
	b.opening = append(binary.LittleEndian.AppendUint16(b.opening, ^length), head...)
	packed, err := deflate(tail)
	if err != nil {
		return nil, err
	}
	whole := len(packed) - len(packed)%group
	b.packed, b.rest = base64.StdEncoding.EncodeToString(packed[:whole]), packed[whole:]
	return b, nil
}

// foresee finds for each bit of a sum what it becomes of so many bytes. A sum is
// the exclusive or of what its bits become, and of what the bytes are alone.
func (b *Body) foresee(size int) {
	zeros := make([]byte, size)
	for bit := range b.shift {
		b.shift[bit] = ^crc32.Update(^uint32(1<<bit), crc32.IEEETable, zeros)
	}
}

func deflate(text []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	_, _ = w.Write(text) // into memory
	_ = w.Close()
	return packed.Bytes(), nil
}

// appendBase64 appends the body as the delivery of this number, in base64.
func (b *Body) appendBase64(to []byte, number uint64) []byte {
	data := make([]byte, 0, len(b.opening)+stamp+len(b.closing))
	data = append(fmt.Appendf(append(data, b.opening...), "%0*d", stamp, number), b.closing...)
	to = base64.StdEncoding.AppendEncode(to, data)
	to = append(to, b.packed...)
	before := data[len(gzipHeader)+blockHeader : len(data)-len(b.closing)]
	data = binary.LittleEndian.AppendUint32(append(data[:0], b.rest...), b.total(crc32.ChecksumIEEE(before)))
	data = binary.LittleEndian.AppendUint32(data, uint32(b.size))
	return base64.StdEncoding.AppendEncode(to, data)
}

// total is the sum of the text, of which that up to the number has the sum before.
func (b *Body) total(before uint32) (sum uint32) {
	sum = b.sum
	for bit, shifted := range b.shift {
		if before>>bit&1 != 0 {
			sum ^= shifted
		}
	}
	return sum
}
