package inflate

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"testing"
)

// seeds adds bodies of all kinds to a fuzz target.
func seeds(add func(data []byte)) {
	for _, body := range bodies(20) {
		add(body)
	}
	var w bitWriter
	w.low(0b011, 3)
	w.fixed('a')
	w.match(258, 1)
	w.fixed(256)
	add(member(w.b, bytes.Repeat([]byte{'a'}, 259)))
	var near bitWriter // patterns of all lengths that are copied as such
	near.low(0b011, 3)
	for n := range 17 {
		near.fixed(uint64('a' + n))
		near.match(258, n+1)
		near.match(3+n, n+1)
	}
	near.fixed(256)
	add(member(near.b, nil))
	add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x03\x00"))
	// Breaks off in the second of two literals of one entry.
	add([]byte("0000000000\xb4\xcf?\x8b\xdc0\x10\x05\xf0\xaf\"^\xad\xf3\x8d4\xfac\xa939\xe7 )B\xd8\xed.)\xb4\xb721" +
		"\xc8\x7f\xb0}\xb7\x84%\xdf=l\xb1IB\x93\"{\xcd000\xef\xfd\xce\"\xf2%0000"))
}

// FuzzGzip decodes data as gzip, and the rest of it as DEFLATE in a member whose
// checksum is right: so that what is behind the checksum is compared, too.
func FuzzGzip(f *testing.F) {
	seeds(func(data []byte) { f.Add(data) })
	var z Decoder
	var r Reader
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		check(t, &z, &r, data, 1<<16)
		raw := data[min(10, len(data)):]
		text, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), 1<<24))
		check(t, &z, &r, member(raw, text), 1<<16)
		rest := bytes.NewReader(raw)
		if text, err := io.ReadAll(flate.NewReader(rest)); err == nil {
			check(t, &z, &r, member(raw[:len(raw)-rest.Len()], text), 1<<16)
		}
	})
}

// FuzzReader reads a stream of members in pieces of odd sizes. The members hold
// the data, compressed in some way, often enough to cross the window.
func FuzzReader(f *testing.F) {
	seeds(func(data []byte) { f.Add(data, uint16(1), uint8(3), uint64(1)) })
	f.Add(envelope(rand.New(rand.NewPCG(1, 1)), 300), uint16(999), uint8(2), uint64(2))
	var z Decoder
	var r Reader
	f.Fuzz(func(t *testing.T, data []byte, chunk uint16, kind uint8, seed uint64) {
		if len(data) == 0 {
			return
		}
		check(t, &z, &r, data, int(chunk)+1)
		rng := rand.New(rand.NewPCG(seed, 0))
		text := bytes.Clone(data)
		for len(text) < int(kind/8)<<13 {
			at := max(0, len(text)-1-rng.IntN(40000))
			text = append(text, text[at:at+min(len(text)-at, 1+rng.IntN(400))]...)
			text = append(text, byte(rng.Uint32()))
		}
		level := levels[int(kind)%len(levels)]
		stream := append(squeeze(text, level), flushed(data, level, 1+int(chunk))...)
		check(t, &z, &r, stream, int(chunk)+1)
		stream[rng.IntN(len(stream))] ^= 1 << rng.IntN(8)
		check(t, &z, &r, stream, int(chunk)+1)
	})
}
