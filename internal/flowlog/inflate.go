package flowlog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/flowlog-exporter/flowlog-exporter/internal/inflate"
)

// maxWindow is how far back zstd may refer, in bytes: levels up to 19 need
// 8 MiB. It bounds the memory of a stream.
const maxWindow = 32 << 20

// keep is the largest buffer that is kept for the next message.
const keep = 16 << 20

// MaxRatio is how many times its compressed size a message or a stream may have
// when it is decompressed, once that is more than RatioFrom bytes. Flow logs
// have 5 to 30 times; gzip can have 1,032 times, zstd more than 10,000.
const MaxRatio = 200

// RatioFrom is up to how many decompressed bytes no ratio is looked at: little
// messages of repeated text go beyond it.
const RatioFrom = 1 << 20

// errLimit says that a message is larger than allowed.
var errLimit = errors.New("larger than the limit")

// Magic bytes of the encodings, and how base64 of gzip and of JSON begins.
const (
	gzipMagic  = "\x1f\x8b"
	zstdMagic  = "\x28\xb5\x2f\xfd"
	base64Gzip = "H4sI"
	base64JSON = "eyJ"
)

// inflater decompresses with decoders and buffers that it uses again. What it
// returns is valid until the next call.
type inflater struct {
	gzip   inflate.Decoder
	stream *inflate.Reader // of gzip; nil before the first
	zstd   *zstd.Decoder
	src    bytes.Reader
	buf    []byte
	raw    []byte // of base64
}

// whole returns what data holds when nothing is compressed or encoded any
// more, at most limit bytes of it, data that is plain as well: in a buffer with
// room for a window behind each of its bytes.
func (i *inflater) whole(data []byte, limit int64) ([]byte, error) {
	if encoded(data) {
		var err error
		if data, err = i.decode(data, limit); err != nil {
			return nil, err
		}
	}
	limit = min(limit, max(RatioFrom, MaxRatio*int64(len(data))))
	var err error
	switch {
	case hasPrefix(data, gzipMagic):
		i.buf, err = i.gzip.Gzip(i.buf, data, int(limit))
	case hasPrefix(data, zstdMagic):
		i.buf, err = i.frames(data, limit)
	default:
		i.buf = append(i.buf[:0], data...)
	}
	i.buf = slices.Grow(i.buf, windowSize)
	return i.buf, sizeError(err)
}

// maxJoined is how many bytes of plain messages are laid behind each other.
const maxJoined = 1 << 20

// behind returns what plain data holds, as whole does, but lays it behind what was
// returned last, which stays valid as well. It answers false where that is not for
// data, or for so much of it.
func (i *inflater) behind(data []byte) ([]byte, bool) {
	from := len(i.buf)
	if encoded(data) || compressed(data) || from+len(data) > maxJoined {
		return nil, false
	}
	i.buf = slices.Grow(append(i.buf, data...), windowSize) // a buffer that is left stays as it is
	return i.buf[from:], true
}

// frames decompresses zstd.
func (i *inflater) frames(data []byte, limit int64) ([]byte, error) {
	i.src.Reset(data)
	r, err := i.open(data, &i.src)
	if err != nil {
		return i.buf[:0], err
	}
	return readAll(i.buf[:0], r, limit)
}

// encoded reports whether data begins as base64 of gzip or JSON does. A word of
// text may begin so too, but then a blank follows somewhere.
func encoded(data []byte) bool {
	return (hasPrefix(data, base64Gzip) || hasPrefix(data, base64JSON)) && bytes.IndexByte(bytes.TrimRight(data, " \r\n\t"), ' ') < 0
}

// compressed reports whether data begins as gzip or zstd does.
func compressed(data []byte) bool { return hasPrefix(data, gzipMagic) || hasPrefix(data, zstdMagic) }

// open returns a reader of what src holds, which begins with head. Members of
// gzip and frames of zstd that follow each other are read as one.
func (i *inflater) open(head []byte, src io.Reader) (io.Reader, error) {
	if hasPrefix(head, gzipMagic) {
		if i.stream == nil {
			i.stream = &inflate.Reader{}
		}
		i.stream.Reset(src)
		return i.stream, nil
	}
	if i.zstd != nil {
		return i.zstd, i.zstd.Reset(src)
	}
	var err error
	i.zstd, err = zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecodeBuffersBelow(0))
	return i.zstd, err
}

// decode undoes base64, with or without padding and line ends.
func (i *inflater) decode(data []byte, limit int64) ([]byte, error) {
	data = bytes.TrimRight(data, "=\r\n\t ")
	size := base64.RawStdEncoding.DecodedLen(len(data))
	if int64(size) > limit {
		return nil, errLimit
	}
	if cap(i.raw) < size {
		i.raw = make([]byte, size)
	}
	n, err := base64.RawStdEncoding.Decode(i.raw[:size], data)
	return i.raw[:n], err
}

// trim lets go of buffers that one large message has blown up, and reports
// whether there were any.
func (i *inflater) trim() (blown bool) {
	if cap(i.buf) > keep {
		i.buf, blown = nil, true
	}
	if cap(i.raw) > keep {
		i.raw, blown = nil, true
	}
	return blown
}

// readAll appends all of r to buf, which may grow to limit bytes and one.
func readAll(buf []byte, r io.Reader, limit int64) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, int(min(int64(max(len(buf), 64<<10)), limit+1-int64(len(buf)))))
		}
		room := buf[len(buf):cap(buf)]
		n, err := r.Read(room[:min(int64(len(room)), limit+1-int64(len(buf)))])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return buf, errLimit
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

// sizeError makes errLimit of what the decoders say of what is too large.
func sizeError(err error) error {
	if errors.Is(err, inflate.ErrLimit) || errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return errLimit
	}
	return err
}

func hasPrefix(data []byte, prefix string) bool {
	return len(data) >= len(prefix) && string(data[:len(prefix)]) == prefix
}
