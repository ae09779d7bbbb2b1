package flowlog

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// stream is an object that is read piece by piece. Its buffers are used again.
type stream struct {
	src source
	in  *bufio.Reader
	// ratio is out when that is compressed.
	ratio ratio
	// out is what is left when nothing is compressed any more.
	out io.Reader
	// buf holds what was read of out; up to from it is done with.
	buf  []byte
	from int
	// err is why out gives no more: io.EOF at its end.
	err error
}

// source remembers the error of the machine, to tell it from one of the data.
type source struct {
	r    io.Reader
	err  error
	read int64 // bytes
}

// Read reads from the source; a source that again and again gives nothing fails.
func (s *source) Read(p []byte) (n int, err error) {
	for range 100 {
		if n, err = s.r.Read(p); n > 0 || err != nil || len(p) == 0 {
			if err != nil && err != io.EOF {
				s.err = err
			}
			s.read += int64(n)
			return n, err
		}
	}
	s.err = io.ErrNoProgress
	return 0, s.err
}

// ratio is what a stream holds when it is decompressed. It breaks off with
// errLimit when that becomes more than MaxRatio allows.
type ratio struct {
	r    io.Reader
	src  *source
	read int64
}

func (r *ratio) Read(p []byte) (n int, err error) {
	n, err = r.r.Read(p)
	r.read += int64(n)
	if r.read > max(RatioFrom, MaxRatio*r.src.read) {
		return n, errLimit
	}
	return n, err
}

// begin makes ready for another object.
func (s *stream) begin(r io.Reader) {
	s.src = source{r: r}
	if s.in == nil {
		s.in = bufio.NewReaderSize(nil, 64<<10)
	}
	s.in.Reset(&s.src)
	s.out, s.buf, s.from, s.err = s.in, s.buf[:0], 0, nil
}

// unread returns what was read and not yet consumed.
func (s *stream) unread() []byte { return s.buf[s.from:] }

// consume is done with the next n bytes.
func (s *stream) consume(n int) { s.from += n }

// fill reads until size bytes are unread or there are no more. It moves and
// overwrites what unread returned before.
func (s *stream) fill(size int) {
	n := len(s.unread())
	if cap(s.buf) < size+windowSize {
		grown := make([]byte, n, size+windowSize)
		copy(grown, s.unread())
		s.buf = grown
	} else {
		copy(s.buf, s.unread())
	}
	s.buf, s.from = s.buf[:n], 0
	for len(s.buf) < size && s.err == nil {
		n, s.err = s.out.Read(s.buf[len(s.buf):size])
		s.buf = s.buf[:len(s.buf)+n]
	}
}

// trim forgets the object, and a buffer that a large document has blown up; it
// reports whether there was one.
func (s *stream) trim() (blown bool) {
	s.src.r, s.out, s.ratio = nil, nil, ratio{}
	if cap(s.buf) > keep {
		s.buf, blown = nil, true
	}
	return blown
}

// object reads an object of any size. An error is one of the machine.
func (r *Reader) object(src io.Reader) error {
	s := &r.stream
	s.begin(src)
	if head, _ := s.in.Peek(len(zstdMagic)); compressed(head) {
		s.ratio = ratio{src: &s.src}
		s.ratio.r, s.err = r.inflate.open(head, s.in)
		if s.err != nil {
			return r.broken()
		}
		s.out = &s.ratio
	}
	s.fill(r.window)
	switch contentOf(s.unread()) {
	case contentDocuments:
		return r.streamDocuments()
	case contentParquet:
		return r.streamParquet()
	case contentForeign:
		r.fail(flow.Content, s.unread())
		return s.src.err
	}
	return r.streamText()
}

// broken ends an object that gives no more: an error of the machine is
// returned, one of the data is counted, and the end of the object is neither.
func (r *Reader) broken() error {
	s := &r.stream
	if s.src.err != nil {
		return s.src.err
	}
	if !errors.Is(s.err, io.EOF) {
		r.fail(decodeStage(sizeError(s.err)), s.unread())
	}
	return nil
}

// streamText reads text in windows that end with a line.
func (r *Reader) streamText() error {
	r.beginText()
	s := &r.stream
	for skip := false; ; {
		if skip { // the rest of a line that is too long
			_, after, found := bytes.Cut(s.unread(), []byte{'\n'})
			s.consume(len(s.unread()) - len(after))
			skip = !found
		}
		data := s.unread()
		end := bytes.LastIndexByte(data, '\n') + 1
		if errors.Is(s.err, io.EOF) {
			end = len(data)
		} else if end == 0 && s.err == nil && len(data) > 0 {
			r.block.Skipped[flow.Malformed]++
			s.consume(len(data))
			skip, data = true, nil
		}
		if err := r.lines(data[:end]); err != nil {
			return err
		}
		s.consume(end)
		if s.err != nil {
			return r.broken()
		}
		if err := r.flush(); err != nil {
			return err
		}
		s.fill(r.window)
	}
}

// streamDocuments reads JSON documents, each of which must fit the limit.
func (r *Reader) streamDocuments() error {
	s := &r.stream
	for {
		read, ok, err := r.documents(s.unread(), !errors.Is(s.err, io.EOF))
		if err != nil {
			return err
		}
		if !ok {
			return s.src.err
		}
		s.consume(read)
		if s.err != nil {
			return r.broken()
		}
		left := len(s.unread())
		if int64(left) >= r.max {
			r.fail(flow.Limit, s.unread())
			return nil
		}
		if err := r.flush(); err != nil {
			return err
		}
		s.fill(int(min(int64(max(r.window, 2*left)), r.max)))
	}
}
