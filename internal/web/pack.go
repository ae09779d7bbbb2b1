package web

import (
	"sync"

	"github.com/klauspost/compress/flate"
)

const pieceSize = 32 << 10

const level = 1

type packer struct {
	w     *flate.Writer
	out   []byte
	piece []byte
}

var packers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, level)
	if err != nil {
		panic(err) // the level is a constant
	}
	return &packer{w: w}
}}

func newPacker(b []byte) *packer {
	p := packers.Get().(*packer)
	p.out = b
	p.w.Reset(p)
	return p
}

func (p *packer) Write(b []byte) (int, error) {
	p.out = append(p.out, b...)
	return len(b), nil
}

func (p *packer) write(b []byte) { _, _ = p.w.Write(b) }

func (p *packer) end() []byte { _ = p.w.Flush(); return p.out }

func (p *packer) free() { p.out = nil; packers.Put(p) }
