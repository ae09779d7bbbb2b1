package inflate

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
)

// gzipReader is what the readers of the libraries have in common.
type gzipReader interface {
	io.Reader
	Reset(r io.Reader) error
}

// BenchmarkGzip decompresses envelopes of 50 to 400 records, as subscriptions
// deliver them, from memory to memory.
func BenchmarkGzip(b *testing.B) {
	rng := rand.New(rand.NewPCG(11, 12))
	var bodies [][]byte
	size := 0
	for range 200 {
		text := envelope(rng, 50+rng.IntN(350))
		size += len(text)
		bodies = append(bodies, squeeze(text, gzip.DefaultCompression))
	}
	buf := make([]byte, 1<<20)
	b.Run("ours", func(b *testing.B) {
		var z Decoder
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, body := range bodies {
				if _, err := z.Gzip(buf, body, len(buf)); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	library := func(z gzipReader) func(b *testing.B) {
		return func(b *testing.B) {
			var src bytes.Reader
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, body := range bodies {
					src.Reset(body)
					if err := z.Reset(&src); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(z, buf); err != io.ErrUnexpectedEOF {
						b.Fatal(err)
					}
				}
			}
		}
	}
	b.Run("klauspost", library(new(kgzip.Reader)))
	b.Run("stdlib", library(new(gzip.Reader)))
}

// BenchmarkReader decompresses a stream of 20 MB in pieces of 64 KiB.
func BenchmarkReader(b *testing.B) {
	text := envelope(rand.New(rand.NewPCG(13, 14)), 80000)
	data := squeeze(text, gzip.DefaultCompression)
	buf := make([]byte, 64<<10)
	stream := func(z io.Reader, reset func(r io.Reader) error) func(b *testing.B) {
		return func(b *testing.B) {
			var src bytes.Reader
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				src.Reset(data)
				if err := reset(&src); err != nil {
					b.Fatal(err)
				}
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{z}, buf); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	ours, theirs, std := new(Reader), new(kgzip.Reader), new(gzip.Reader)
	b.Run("ours", stream(ours, func(r io.Reader) error { ours.Reset(r); return nil }))
	b.Run("klauspost", stream(theirs, theirs.Reset))
	b.Run("stdlib", stream(std, std.Reset))
}
