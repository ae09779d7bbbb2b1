package web

import (
	"sync"

	"github.com/klauspost/compress/flate"
)

// pieceSize is how much text is rendered before it is compressed, about.
const pieceSize = 32 << 10

// level is the fastest one: a page shrinks to a tenth, and the higher levels save
// little more.
const level = 1

// packer compresses text piece by piece, in blocks that others can follow. It is
// about a megabyte, and used again.
type packer struct {
	deflate *flate.Writer // to the packer
	out     []byte
	piece   []byte // for who renders what is to be written next
}

var packers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, level)
	if err != nil {
		panic(err) // the level is a constant
	}
	return &packer{deflate: w}
}}

// newPacker returns a packer that appends to b. Free gives it back.
func newPacker(b []byte) *packer {
	p := packers.Get().(*packer)
	p.out = b
	p.deflate.Reset(p)
	return p
}

func (p *packer) free() {
	p.out = nil
	packers.Put(p)
}

// Write takes what was compressed.
func (p *packer) Write(b []byte) (int, error) {
	p.out = append(p.out, b...)
	return len(b), nil
}

// write compresses text. Write above does not fail, so the compressor does not.
func (p *packer) write(text []byte) { _, _ = p.deflate.Write(text) }

// end returns all that was compressed, with whole bytes and no final block.
func (p *packer) end() []byte {
	_ = p.deflate.Flush() // and not Close, which ends the stream
	return p.out
}
