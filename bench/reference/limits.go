package reference

import (
	"bytes"
	"compress/gzip"
	"hash/crc32"
	"io"

	klauspost "github.com/klauspost/compress/gzip"
)

// unzipper is a decompressor that is used again.
type unzipper interface {
	io.Reader
	Reset(r io.Reader) error
}

// Inflater does nothing but inflate, with buffers that it uses again: the price
// of admission for whoever uses its decompressor.
type Inflater struct {
	unzip unzipper
	src   bytes.Reader
	text  bytes.Buffer
}

// Klauspost inflates with github.com/klauspost/compress.
func Klauspost() *Inflater { return &Inflater{unzip: &klauspost.Reader{}} }

// Standard inflates with compress/gzip.
func Standard() *Inflater { return &Inflater{unzip: &gzip.Reader{}} }

// Inflate returns the text of one gzip stream, valid until the next call.
func (i *Inflater) Inflate(data []byte) ([]byte, error) {
	i.src.Reset(data)
	if err := i.unzip.Reset(&i.src); err != nil {
		return nil, err
	}
	i.text.Reset()
	_, err := io.Copy(&i.text, i.unzip)
	return i.text.Bytes(), err
}

// Sum is what checking the text costs alone.
func Sum(text []byte) uint32 { return crc32.ChecksumIEEE(text) }
