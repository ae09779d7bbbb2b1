package inflate

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
)

// envelope returns the text of a subscription message with n flow log records of
// the default format, in which as much repeats as in real ones.
func envelope(rng *rand.Rand, n int) []byte {
	eni := rng.Uint64()>>8 | 1<<55
	own := fmt.Sprintf("10.%d.%d.%d", rng.IntN(8), rng.IntN(256), rng.IntN(256))
	at := 1700000000 + rng.Int64N(1e6)
	b := fmt.Appendf(nil, `{"messageType":"DATA_MESSAGE","owner":"123456789010","logGroup":"/vpc/flow","logStream":"eni-%x-all","subscriptionFilters":["all"],"logEvents":[`, eni)
	peer, port := "", 0
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		if i%2 == 0 || rng.IntN(3) == 0 {
			peer = fmt.Sprintf("10.%d.%d.%d", rng.IntN(8), rng.IntN(4), rng.IntN(64))
			port = []int{443, 80, 53, 5432, 6379, rng.IntN(65536)}[rng.IntN(6)]
		}
		src, dst, sport, dport := own, peer, 1024+rng.IntN(64512), port
		if i%2 == 1 {
			src, dst, sport, dport = dst, src, dport, sport
		}
		b = fmt.Appendf(b, `{"id":"37%015d%039d","timestamp":%d000,"message":"2 123456789010 eni-%x %s %s %d %d 6 %d %d %d %d %s OK"}`,
			eni%1e15, i, at, eni, src, dst, sport, dport, 1+rng.IntN(40), 40+rng.IntN(60000), at+rng.Int64N(4)*10, at+60,
			[]string{"ACCEPT", "ACCEPT", "ACCEPT", "REJECT"}[rng.IntN(4)])
	}
	return append(b, "]}"...)
}

// levels are the ways in which squeeze compresses.
var levels = []int{gzip.HuffmanOnly, gzip.NoCompression, gzip.BestSpeed, gzip.DefaultCompression, gzip.BestCompression}

// squeeze compresses text to one member.
func squeeze(text []byte, level int, opts ...func(*gzip.Writer)) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		panic(err)
	}
	for _, o := range opts {
		o(w)
	}
	if _, err = w.Write(text); err != nil {
		panic(err)
	}
	if err = w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// flushed compresses text with flushes in between, which leave empty stored blocks.
func flushed(text []byte, level, every int) []byte {
	return squeeze(nil, level, func(w *gzip.Writer) {
		for piece := range slices.Chunk(text, every) {
			if _, err := w.Write(piece); err != nil {
				panic(err)
			}
			if err := w.Flush(); err != nil {
				panic(err)
			}
		}
	})
}

// member frames raw DEFLATE data that holds text.
func member(raw, text []byte) []byte {
	b := append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, raw...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(text))
	return binary.LittleEndian.AppendUint32(b, uint32(len(text)))
}

// bitWriter writes DEFLATE by hand.
type bitWriter struct {
	b []byte
	n int
}

// low writes the lowest n bits of v, as numbers are written.
func (w *bitWriter) low(v uint64, n int) {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

// high writes n bits of v beginning with the highest, as codes are written.
func (w *bitWriter) high(v uint64, n int) {
	for i := n - 1; i >= 0; i-- {
		w.low(v>>i, 1)
	}
}

// fixed writes a literal or a length symbol in the fixed code.
func (w *bitWriter) fixed(symbol uint64) {
	switch {
	case symbol < 144:
		w.high(0x30+symbol, 8)
	case symbol < 256:
		w.high(0x190+symbol-144, 9)
	case symbol < 280:
		w.high(symbol-256, 7)
	default:
		w.high(0xc0+symbol-280, 8)
	}
}

// byLibrary is what the standard library makes of data, unless the other one
// refuses a header, which it does for reserved flags. Beyond that the other one
// can't judge: for a code of no symbols it takes the code before.
func byLibrary(data []byte) (text []byte, err error) {
	var k kgzip.Reader
	if err = k.Reset(bytes.NewReader(data)); err == nil {
		text, err = io.ReadAll(&k)
	}
	if errors.Is(err, kgzip.ErrHeader) {
		return text, err
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// check fails when Decoder or Reader and the libraries disagree about data. The
// stream is read in pieces of up to chunk bytes. What comes before an error may
// be more than from the libraries, which read ahead, or a literal less.
func check(t testing.TB, z *Decoder, r *Reader, data []byte, chunk int) {
	t.Helper()
	want, wantErr := byLibrary(data)
	got, err := z.Gzip(nil, data, 1<<26)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("whole: error %v, want %v\n%x", err, wantErr, data)
	}
	if err == nil && !bytes.Equal(got, want) {
		t.Fatalf("whole: %d other bytes than the library's %d\n%x", len(got), len(want), data)
	}
	got, err = readAll(r, data, chunk)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("stream: error %v, want %v\n%x", err, wantErr, data)
	}
	if err == nil && len(got) != len(want) || len(got) < len(want)-1 || !bytes.HasPrefix(got, want[:min(len(want), len(got))]) {
		t.Fatalf("stream: %d other bytes than the library's %d\n%x", len(got), len(want), data)
	}
}

// readAll reads all that a stream holds. Both sides move up to chunk bytes at a time.
func readAll(r *Reader, data []byte, chunk int) (text []byte, err error) {
	r.Reset(&chunks{data: data, size: chunk})
	for err == nil {
		var n int
		text = slices.Grow(text, chunk)
		n, err = r.Read(text[len(text) : len(text)+chunk])
		text = text[:len(text)+n]
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return text, err
}

// chunks reads data in pieces of up to size bytes.
type chunks struct {
	data []byte
	size int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.size)], c.data)
	c.data = c.data[n:]
	return n, nil
}

// bodies returns members of all kinds with 0.2 to 2 KB each.
func bodies(n int) (all [][]byte) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		text := envelope(rng, 1+rng.IntN(7))
		level := levels[i%len(levels)]
		switch {
		case level == gzip.NoCompression:
			all = append(all, squeeze(text[:min(len(text), 1500)], level))
		case i%4 == 1:
			all = append(all, flushed(text, level, 400))
		case i%4 == 2:
			all = append(all, append(squeeze(text[:len(text)/2], level), squeeze(text[len(text)/2:], gzip.BestSpeed)...))
		case i%4 == 3:
			all = append(all, squeeze(text, level, func(w *gzip.Writer) {
				w.Name, w.Comment, w.Extra = "flow.log", "kept", []byte{1, 2, 3}
			}))
		default:
			all = append(all, squeeze(text, level))
		}
	}
	return all
}

// match writes a length and a distance in the fixed codes.
func (w *bitWriter) match(length, distance int) {
	symbol := 285
	if length < 258 {
		for symbol--; int(litAlphabet.entries[symbol]>>16&0xff)+3 > length; symbol-- {
		}
	}
	w.fixed(uint64(symbol))
	w.low(uint64(length-3)-uint64(litAlphabet.entries[symbol]>>16&0xff), int(litAlphabet.entries[symbol]&63))
	code := 29
	for ; int(distAlphabet.entries[code]>>16&0xffff) > distance; code-- {
	}
	w.high(uint64(code), 5)
	w.low(uint64(distance)-uint64(distAlphabet.entries[code]>>16), int(distAlphabet.entries[code]&63))
}

// sum16 is the checksum of a header.
func sum16(header []byte) uint16 { return uint16(crc32.ChecksumIEEE(header)) }
