package inflate

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// TestBodies decodes members of all kinds as the libraries do.
func TestBodies(t *testing.T) {
	var z Decoder
	var r Reader
	for i, body := range bodies(200) {
		check(t, &z, &r, body, 1+i%100)
	}
}

// TestTexts decodes texts that ask for each way of copying, at every level.
func TestTexts(t *testing.T) {
	var z Decoder
	var r Reader
	tried := levels
	if testing.Short() || raceEnabled {
		tried = []int{gzip.DefaultCompression}
	}
	for name, text := range texts() {
		t.Run(name, func(t *testing.T) {
			for _, level := range tried {
				data := squeeze(text, level)
				check(t, &z, &r, data, 1<<16)
				check(t, &z, &r, data, 777)
				check(t, &z, &r, flushed(text, level, 5000), 1<<16)
			}
		})
	}
}

// texts are the texts of TestTexts.
func texts() map[string][]byte {
	rng := rand.New(rand.NewPCG(3, 4))
	random := make([]byte, 200<<10)
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	all := map[string][]byte{
		"empty":      {},
		"one":        {'1'},
		"random":     random,
		"same":       bytes.Repeat([]byte{'a'}, 300<<10),
		"envelope":   envelope(rng, 2000),
		"few bytes":  nil,
		"far":        append(slices.Clone(random[:32768]), random[:32768]...),
		"too far":    append(slices.Clone(random[:32769]), random[:32769]...),
		"distances":  nil,
		"long codes": nil,
	}
	for distance := 1; distance <= 40; distance++ {
		text := slices.Concat(all["distances"], random[distance:2*distance])
		for n := 3 + distance%7; n < 600; n += 17 {
			text = append(text, bytes.Repeat(random[distance:2*distance], n/distance+1)[:n]...)
		}
		all["distances"] = text
	}
	for range 100 << 10 {
		all["few bytes"] = append(all["few bytes"], "abcdefghij"[rng.IntN(10)])
		// Each byte is half as frequent as the one before: codes of up to 15 bits.
		all["long codes"] = append(all["long codes"], byte(bitsOf(rng)*7))
	}
	return all
}

// bitsOf counts the tosses of a coin up to the first head.
func bitsOf(rng *rand.Rand) (n int) {
	for n < 30 && rng.Uint32()&1 == 0 {
		n++
	}
	return n
}

// TestMatches decodes matches of all lengths and distances that a table may hold,
// written by hand in the fixed codes, with nothing in between them.
func TestMatches(t *testing.T) {
	var z Decoder
	var r Reader
	rng := rand.New(rand.NewPCG(5, 6))
	var w bitWriter
	var text []byte
	w.low(0b011, 3)
	for len(text) < 40000 {
		text = append(text, byte(rng.Uint32()))
		w.fixed(uint64(text[len(text)-1]))
	}
	match := func(length, distance int) {
		w.match(length, distance)
		for range length {
			text = append(text, text[len(text)-distance])
		}
	}
	for length := 3; length <= 258; length++ {
		for _, distance := range []int{1, 2, 3, 15, 16, 17, 31, 32, 33, 1 + rng.IntN(length+40), 1 + rng.IntN(32768), 32767, 32768} {
			match(length, distance)
		}
	}
	for range 5000 {
		match(258, 32768)
	}
	w.fixed(256)
	data := member(w.b, text)
	got, err := z.Gzip(nil, data, len(text))
	if err != nil || !bytes.Equal(got, text) {
		t.Fatalf("%d bytes and %v, want %d", len(got), err, len(text))
	}
	check(t, &z, &r, data, 1<<15)
	check(t, &z, &r, slices.Concat(squeeze(text[:5000], gzip.BestSpeed), data), 1001)
}

// TestRefused refuses what DEFLATE and gzip do not allow, as the libraries do.
// The checksums are those of what would come if it were allowed.
func TestRefused(t *testing.T) {
	good := squeeze([]byte("aaaaaaaaa"), gzip.BestSpeed)
	head := func(flags byte, rest ...byte) []byte {
		return append([]byte{0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255}, rest...)
	}
	// fixed writes n times 'a', and behind that more of it, so that there is input
	// enough for the fast loop, or none.
	fixed := func(n, more int, write func(w *bitWriter)) []byte {
		var w bitWriter
		w.low(0b011, 3)
		for range n {
			w.fixed('a')
		}
		write(&w)
		for range more {
			w.fixed('a')
		}
		w.fixed(256)
		return member(w.b, bytes.Repeat([]byte{'a'}, n+10+more))
	}
	cases := map[string][]byte{
		"nothing":              {},
		"half a header":        head(0)[:5],
		"no magic":             append([]byte{0x1f, 0x8c}, good[2:]...),
		"other method":         append([]byte{0x1f, 0x8b, 7}, good[3:]...),
		"reserved flag":        append(head(1<<5), good[10:]...),
		"long name":            slices.Concat(head(flagName), bytes.Repeat([]byte{'n'}, 512), []byte{0}, good[10:]),
		"wrong header sum":     append(head(flagSum, 1, 2), good[10:]...),
		"reserved block":       member([]byte{0b111}, nil),
		"stored, wrong length": member([]byte{1, 2, 0, 2, 0, 'a', 'a'}, []byte("aa")),
		"zeroes behind":        append(slices.Clone(good), 0, 0, 0),
		"many zeroes behind":   append(slices.Clone(good), make([]byte, 512)...),
		"rubbish behind":       append(slices.Clone(good), "rubbish behind the member"...),
		"half a member behind": append(slices.Clone(good), good[:12]...),
	}
	for _, more := range []int{0, 40} {
		add := func(name string, data []byte) { cases[fmt.Sprint(name, ", ", more, " behind")] = data }
		far := fixed(0, more, func(w *bitWriter) { w.match(10, 1) })
		add("distance of nothing", far)
		add("distance to the member before", slices.Concat(good, far))
		add("distance too far", fixed(1, more, func(w *bitWriter) { w.match(10, 2) }))
		for _, n := range []int{1, 70000} {
			for _, symbol := range []uint64{286, 287} {
				add(fmt.Sprintf("%d and length %d", n, symbol), fixed(n, more, func(w *bitWriter) { w.fixed(symbol); w.low(0, 5) }))
			}
			for _, code := range []uint64{30, 31} {
				add(fmt.Sprintf("%d and distance %d", n, code), fixed(n, more, func(w *bitWriter) { w.fixed(264); w.high(code, 5) }))
			}
		}
	}
	for name, data := range cases {
		t.Run(name, func(t *testing.T) {
			var z Decoder
			var r Reader
			if _, err := z.Gzip(nil, data, 100000); !errors.Is(err, ErrCorrupt) {
				t.Errorf("error %v, want ErrCorrupt", err)
			}
			if _, err := readAll(&r, slices.Concat(data, make([]byte, 100000)), 1000); !errors.Is(err, ErrCorrupt) {
				t.Errorf("as a stream: error %v, want ErrCorrupt", err)
			}
			if len(data) > 0 {
				check(t, &z, &r, data, 1)
				check(t, &z, &r, append(data, make([]byte, 40)...), 100)
			}
		})
	}
}

// TestCodes takes and refuses the lengths of codes as the libraries do. The
// checksums are those of what would come if they were taken.
func TestCodes(t *testing.T) {
	a := func(lens map[int]uint64) (all [288]uint64) {
		for s, l := range lens {
			all[s] = l
		}
		return all
	}
	usual := a(map[int]uint64{'a': 1, 256: 2, 257: 2})
	two := []uint64{1, 1}
	for name, c := range map[string]struct {
		lits    int
		lens    [288]uint64
		dists   []uint64
		data    string // bits, as they are read
		text    string
		refused bool
	}{
		"usual":                {258, usual, two, "0 110 10", "aaaa", false},
		"all symbols":          {286, usual, make([]uint64, 30), "0 0 10", "aa", false},
		"287 symbols":          {287, usual, two, "0 110 10", "aaaa", true},
		"288 symbols":          {288, usual, two, "0 110 10", "aaaa", true},
		"31 distances":         {258, usual, append(make([]uint64, 29), 1, 1), "0 0 10", "aa", true},
		"32 distances":         {258, usual, append(make([]uint64, 30), 1, 1), "0 0 10", "aa", true},
		"one distance":         {258, usual, []uint64{1}, "0 110 10", "aaaa", false},
		"other distance":       {258, usual, []uint64{1}, "0 111 10", "aaaa", true},
		"no distance":          {258, usual, []uint64{0}, "0 0 10", "aa", false},
		"none of no distance":  {258, usual, []uint64{0}, "0 110 10", "aaaa", true},
		"one long distance":    {258, usual, []uint64{2}, "0 1100 10", "aaaa", true},
		"too few distances":    {258, usual, []uint64{2, 2, 2}, "0 1100 10", "aaaa", true},
		"too many distances":   {258, usual, []uint64{1, 1, 1}, "0 110 10", "aaaa", true},
		"only the end":         {257, a(map[int]uint64{256: 1}), two, "0", "", false},
		"not only the end":     {257, a(map[int]uint64{256: 1}), two, "1", "", true},
		"no symbol":            {257, a(nil), two, "0", "", true},
		"only the end, long":   {257, a(map[int]uint64{256: 2}), two, "00", "", true},
		"too few symbols":      {257, a(map[int]uint64{'a': 2, 256: 2}), two, "00 01", "a", true},
		"too many symbols":     {257, a(map[int]uint64{'a': 1, 'b': 1, 256: 1}), two, "0 0 1", "aa", true},
		"codes of 15 bits":     {257, deep(), two, "0 111111111111110 111111111111111", "\x00\x0e", false},
		"no end":               {257, a(map[int]uint64{'a': 1, 'b': 1}), two, "0 1 0 1", "abab", true},
		"repeats of 15 bits":   {257, deep(), two, strings.Repeat("111111111111110", 50) + "111111111111111", strings.Repeat("\x0e", 50), false},
		"repeats of two bits":  {258, usual, two, strings.Repeat("0 110", 50) + "10", strings.Repeat("aaaa", 50), false},
		"nothing but literals": {257, a(map[int]uint64{'a': 2, 'b': 2, 'c': 2, 256: 2}), two, strings.Repeat("00 01 10", 50) + "11", strings.Repeat("abc", 50), false},
	} {
		t.Run(name, func(t *testing.T) {
			var w bitWriter
			w.low(0b101, 3)
			w.low(uint64(c.lits-257), 5)
			w.low(uint64(len(c.dists)-1), 5)
			w.low(15, 4)
			for _, s := range lenOrder { // codes of 4 bits for the lengths 0 to 15
				w.low(map[bool]uint64{true: 4}[s < 16], 3)
			}
			for _, l := range slices.Concat(c.lens[:c.lits], c.dists) {
				w.high(l, 4)
			}
			for _, bit := range strings.ReplaceAll(c.data, " ", "") {
				w.low(uint64(bit-'0'), 1)
			}
			var z Decoder
			var r Reader
			data := member(w.b, []byte(c.text))
			text, err := z.Gzip(nil, data, 1000)
			if errors.Is(err, ErrCorrupt) != c.refused || err == nil && string(text) != c.text {
				t.Errorf("%q and %v, want %q, refused: %v", text, err, c.text, c.refused)
			}
			check(t, &z, &r, data, 1)
			check(t, &z, &r, append(data, make([]byte, 40)...), 100)
		})
	}
}

// deep returns lengths of codes that go down to 15 bits: 1, 2, ... 14, 15, 15.
func deep() (lens [288]uint64) {
	for s := range uint64(15) {
		lens[s] = s + 1
	}
	lens[256] = 15
	return lens
}

// TestReaderErrors hands on what was decoded, then the error of the source as it
// is; a source that never gives anything is an error too.
func TestReaderErrors(t *testing.T) {
	text := envelope(rand.New(rand.NewPCG(15, 16)), 1000)
	data := squeeze(text, gzip.DefaultCompression)
	broken := errors.New("broken")
	var r Reader
	for _, want := range []error{broken, io.ErrNoProgress} {
		src := iotest.ErrReader(broken)
		if errors.Is(want, io.ErrNoProgress) {
			src = silent{}
		}
		r.Reset(io.MultiReader(bytes.NewReader(data[:len(data)/2]), src))
		got, err := io.ReadAll(&r)
		if !errors.Is(err, want) || len(got) < len(text)/3 || !bytes.HasPrefix(text, got) {
			t.Errorf("%d bytes and %v, want %v", len(got), err, want)
		}
		if n, again := r.Read(make([]byte, 10)); n != 0 || !errors.Is(again, want) {
			t.Errorf("after an error: %d bytes and %v", n, again)
		}
	}
	r.Reset(iotest.DataErrReader(bytes.NewReader(data)))
	if got, err := io.ReadAll(&r); err != nil || !bytes.Equal(got, text) {
		t.Errorf("with the end beside the last bytes: %d bytes and %v", len(got), err)
	}
}

// silent never gives anything.
type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

// TestHeaders takes all that may stand in a header.
func TestHeaders(t *testing.T) {
	var z Decoder
	var r Reader
	body := squeeze([]byte("some text"), gzip.BestSpeed)[10:]
	for flags := range byte(32) {
		for _, extra := range []int{0, 10, 65535} {
			h := []byte{0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 5, 6}
			if flags&flagExtra != 0 {
				h = append(binary.LittleEndian.AppendUint16(h, uint16(extra)), make([]byte, extra)...)
			}
			for _, flag := range []byte{flagName, flagComment} {
				if flags&flag != 0 {
					h = append(append(h, bytes.Repeat([]byte{'n'}, extra%512)...), 0)
				}
			}
			if flags&flagSum != 0 {
				h = binary.LittleEndian.AppendUint16(h, sum16(h))
			}
			data := slices.Concat(h, body)
			check(t, &z, &r, slices.Concat(data, data), 1+extra)
			if _, err := z.Gzip(nil, data, 100); err != nil {
				t.Errorf("flags %b, extra %d: %v", flags, extra, err)
			}
		}
	}
}

// TestLimit allows exactly as much as the limit says, whatever the buffer, the
// trailer and the number of members.
func TestLimit(t *testing.T) {
	text := envelope(rand.New(rand.NewPCG(7, 8)), 100)
	lying := func(data []byte, size uint32) []byte {
		data = slices.Clone(data)
		binary.LittleEndian.PutUint32(data[len(data)-4:], size)
		return data
	}
	one := squeeze(text, gzip.BestCompression)
	two := append(squeeze(text[:999], gzip.BestSpeed), squeeze(text[999:], gzip.BestSpeed)...)
	stored := squeeze(text, gzip.NoCompression)
	for i, data := range [][]byte{one, two, stored, squeeze(bytes.Repeat([]byte{0}, len(text)), 9)} {
		for _, buf := range [][]byte{nil, make([]byte, 10), make([]byte, 2*len(text))} {
			var z Decoder
			if got, err := z.Gzip(buf, data, len(text)); err != nil || len(got) != len(text) {
				t.Errorf("%d: %d bytes and %v, want %d", i, len(got), err, len(text))
			}
			for _, limit := range []int{-1, 0, 1, 998, 1000, len(text) - 1} {
				if got, err := z.Gzip(buf, data, limit); !errors.Is(err, ErrLimit) || len(got) > max(limit, 0) {
					t.Errorf("%d: %d bytes and %v, want ErrLimit at %d", i, len(got), err, limit)
				}
			}
			for _, size := range []uint32{0, 1, 1 << 31, 1<<32 - 1} {
				got, err := z.Gzip(buf, lying(data, size), 1<<30)
				if !errors.Is(err, ErrCorrupt) || cap(got) > maxRatio*len(data)+2*slack {
					t.Errorf("%d: %d bytes of %d and %v, want ErrCorrupt", i, len(got), cap(got), err)
				}
				if got, _ = z.Gzip(nil, lying(data, size), 5000); cap(got) > 5000+2*slack {
					t.Errorf("%d: a buffer of %d, the limit is 5000", i, cap(got))
				}
			}
		}
	}
}

// TestBomb stops at the limit, and has not asked for more memory than that.
func TestBomb(t *testing.T) {
	bomb := squeeze(make([]byte, 16<<20), gzip.BestCompression)
	var z Decoder
	got, err := z.Gzip(nil, bomb, 1<<20)
	if !errors.Is(err, ErrLimit) || cap(got) > 1<<20+2*slack {
		t.Errorf("buffer of %d and %v, want 1 MiB and ErrLimit", cap(got), err)
	}
	if got, err = z.Gzip(nil, bomb, 16<<20); err != nil || len(got) != 16<<20 {
		t.Errorf("%d bytes and %v, want 16 MiB", len(got), err)
	}
}

// TestEmptyMembers takes many members that hold nothing, and does the work of
// each once only: what it sums up is not more than what it decodes.
func TestEmptyMembers(t *testing.T) {
	var z Decoder
	var r Reader
	data := append(squeeze(make([]byte, 1<<20), 9), bytes.Repeat(squeeze(nil, 9), 10000)...)
	check(t, &z, &r, data, 1<<16)
}

// TestReuse decodes whatever comes after whatever came before.
func TestReuse(t *testing.T) {
	var z Decoder
	var r Reader
	rng := rand.New(rand.NewPCG(9, 10))
	all := bodies(50)
	var buf []byte
	for range 1000 {
		body := slices.Clone(all[rng.IntN(len(all))])
		if rng.IntN(2) == 0 {
			body[rng.IntN(len(body))] ^= 1 << rng.IntN(8)
		}
		check(t, &z, &r, body, 1+rng.IntN(2000))
		want, wantErr := byLibrary(body)
		var err error
		if buf, err = z.Gzip(buf, body, 1<<20); (err != nil) != (wantErr != nil) || err == nil && !bytes.Equal(buf, want) {
			t.Fatalf("with a used buffer: %v, want %v", err, wantErr)
		}
	}
}

// TestAllocations allocates nothing once the buffers are there.
func TestAllocations(t *testing.T) {
	var z Decoder
	var r Reader
	all := bodies(20)
	buf := make([]byte, 1<<16)
	src := &chunks{}
	if n := testing.AllocsPerRun(10, func() {
		for _, body := range all {
			if _, err := z.Gzip(buf, body, 1<<20); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("whole: %v allocations, want 0", n)
	}
	if n := testing.AllocsPerRun(10, func() {
		for _, body := range all {
			*src = chunks{data: body, size: 300}
			r.Reset(src)
			for err := error(nil); err == nil; {
				_, err = r.Read(buf)
			}
		}
	}); n != 0 {
		t.Errorf("stream: %v allocations, want 0", n)
	}
}

// TestDamage damages bodies in every bit and breaks them off at every byte: that
// gives an error or the right bytes.
func TestDamage(t *testing.T) {
	n := 200
	if testing.Short() || raceEnabled {
		n = 8
	}
	for part := range 4 {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			d := damage{t: t, buf: make([]byte, 1<<20)}
			for i, body := range bodies(n) {
				if i%4 == part {
					d.all(body)
				}
			}
		})
	}
}

// damage is one part of TestDamage.
type damage struct {
	t   *testing.T
	z   Decoder
	r   Reader
	buf []byte
}

// all tries all damages of a body.
func (d *damage) all(body []byte) {
	text, err := byLibrary(body)
	if err != nil {
		d.t.Fatal(err)
	}
	for n := 1; n < len(body); n++ {
		d.try(text, body[:n], "broken off")
	}
	for bit := range 8 * len(body) {
		body[bit/8] ^= 1 << (bit % 8)
		d.try(text, body, "bit flipped")
		body[bit/8] ^= 1 << (bit % 8)
	}
}

// try decodes data, which was damaged in some way, as a whole and as a stream.
func (d *damage) try(text, data []byte, way string) {
	whole, err := d.z.Gzip(d.buf, data, len(text))
	switch {
	case err == nil:
		d.right(whole, text, data, way)
	case !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrLimit):
		d.t.Fatalf("%s: %v\n%x", way, err, data)
	}
	d.r.Reset(&chunks{data: data, size: 500})
	n := 0
	for serr := error(nil); serr == nil; {
		var m int
		m, serr = d.r.Read(d.buf[n:])
		if n += m; n == len(d.buf) {
			return
		}
		ended := errors.Is(serr, io.EOF)
		if ended {
			d.right(d.buf[:n], text, data, way+", as a stream")
		}
		if serr != nil && ended != (err == nil) && !errors.Is(err, ErrLimit) {
			d.t.Fatalf("%s: whole %v, as a stream %v\n%x", way, err, serr, data)
		}
	}
}

// right fails if data does not hold what was got: the text, if anything. But a
// body of several members may break off between them.
func (d *damage) right(got, text, data []byte, way string) {
	if bytes.Equal(got, text) {
		return
	}
	if want, err := byLibrary(data); err != nil || !bytes.Equal(got, want) {
		d.t.Fatalf("%s: wrong bytes\n%x", way, data)
	}
}
