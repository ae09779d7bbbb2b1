package inflate

import (
	"errors"
	"io"
)

const (
	// window is how far back a match may refer, in bytes.
	window = 32 << 10
	// inSize holds the longest header of a member: what an extra field of 64 KiB,
	// a name and a comment take.
	inSize = 68 << 10
	// outSize is the window and what is decoded at a time.
	outSize = 128<<10 + slack
)

// Reader decompresses a stream of any size, after Reset. It has 220 KiB of
// buffers and tables, which it uses again. It is not safe for concurrent use.
type Reader struct {
	d      decoder
	src    io.Reader
	in     []byte
	read   int   // up to here d.out has been handed on
	srcErr error // why src gives no more
	err    error // why there is no more to hand on
}

// Reset begins to read another stream, and forgets the one before.
func (r *Reader) Reset(src io.Reader) {
	if r.in == nil {
		r.in, r.d.out = make([]byte, inSize), make([]byte, outSize)
	}
	r.d.reset(r.in[:0], r.d.out)
	r.src, r.read, r.srcErr, r.err = src, 0, nil, nil
}

// Read hands on what the members of the stream hold, one after the other. What
// was decoded comes before an error: ErrCorrupt for damage, io.ErrUnexpectedEOF
// for a stream that breaks off, or the error of the source as it is. By the
// checksum a member is checked at its end only, when it has been handed on.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.read == r.d.pos {
		if r.err != nil {
			return 0, r.err
		}
		r.decode()
	}
	n := copy(p, r.d.out[r.read:r.d.pos])
	r.read += n
	return n, nil
}

// decode decodes more, when all before has been handed on.
func (r *Reader) decode() {
	switch s := r.d.member(); {
	case s == corrupt:
		r.err = ErrCorrupt
	case r.read < r.d.pos:
	case s == needRoom:
		r.d.slide()
		r.read = r.d.pos
	case s == needInput && r.srcErr == nil:
		r.more()
	case s == needInput:
		r.err, r.src = r.srcErr, nil
		if errors.Is(r.err, io.EOF) && (r.d.begun || r.d.next < len(r.d.in)) {
			r.err = io.ErrUnexpectedEOF
		}
	}
}

// more reads more input, behind what is left of the last.
func (r *Reader) more() {
	r.d.unread()
	from := r.d.next - int(r.d.n+7)/8 // with the byte that is not used up
	left := copy(r.in, r.d.in[from:])
	n := 0
	for try := 0; n == 0 && r.srcErr == nil; try++ {
		n, r.srcErr = r.src.Read(r.in[left:])
		if try == 100 && n == 0 && r.srcErr == nil {
			r.srcErr = io.ErrNoProgress
		}
	}
	r.d.in, r.d.next = r.in[:left+n], r.d.next-from
}

// slide forgets all output but the window.
func (d *decoder) slide() {
	d.addSum()
	gone := d.pos - window
	copy(d.out, d.out[gone:d.pos])
	d.pos, d.summed, d.start = window, window, max(d.start-gone, 0)
}
