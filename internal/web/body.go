package web

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// gzipHeader says deflate, with neither name nor time:
// https://www.rfc-editor.org/rfc/rfc1952#section-2.3
const gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

// body is one answer: bytes of its own around those of a page, which all answers
// share.
type body struct {
	head string
	page *page // which form is of; nil for none
	form *form
	live *bytes.Buffer
}

// send writes the body. Its error is known to w, and to nobody else of use.
func (b *body) send(w io.Writer) {
	if _, err := io.WriteString(w, b.head); err != nil {
		return
	}
	if _, err := w.Write(b.form.data); err != nil {
		return
	}
	_, _ = w.Write(b.live.Bytes())
}

// release gives the buffer and the page back; the body must not be used
// afterwards. Of a nil body it does nothing.
func (b *body) release() {
	if b == nil {
		return
	}
	buffers.Put(b.live)
	b.page.done()
}

// zipped returns the page and the live text, which it takes, as one gzip member.
// The page is not compressed again: the blocks of the live text follow its own,
// and its checksum goes on over the live text.
func zipped(page *page, form *form, live *bytes.Buffer) (*body, error) {
	defer buffers.Put(live)
	packed := buffer()
	// The stateless compressor is a quarter of the size of the other one, and
	// for some kilobytes as good.
	if err := flate.StatelessDeflate(packed, live.Bytes(), true, nil); err != nil {
		return nil, err
	}
	trailer := binary.LittleEndian.AppendUint32(packed.AvailableBuffer(), crc32.Update(form.crc, crc32.IEEETable, live.Bytes()))
	trailer = binary.LittleEndian.AppendUint32(trailer, uint32(form.size+live.Len())) // modulo 2^32, says RFC 1952
	packed.Write(trailer)
	return &body{gzipHeader, page, form, packed}, nil
}

// buffers are for the live metrics, some kilobytes each.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func buffer() *bytes.Buffer {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	return b
}
