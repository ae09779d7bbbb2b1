package flowlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"weak"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

func TestText(t *testing.T) {
	const rec = "record src=10.0.0.1 packets=1"
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"without header", "10.0.0.1 1\n10.0.0.1 1", []string{rec, rec}},
		{"header", "packets srcaddr\n1 10.0.0.1\n", []string{rec}},
		{"header with underscores and fields to come", "pkt_srcaddr new-field packets\n10.0.0.1 x 1\n", []string{"record pkt-src=10.0.0.1 packets=1"}},
		{"header behind empty lines", "\r\n\n \t\npackets srcaddr\r\n1 10.0.0.1\r\n", []string{rec}},
		{"header of one column", "srcaddr\n10.0.0.1\n", []string{"record src=10.0.0.1"}},
		{"header whose words would do as values", "instance-id interface-id\ni-1 eni-1\n", []string{"record interface=eni-1 instance=i-1"}},
		{"empty lines are no records", "10.0.0.1 1\n\n\r\n  \n10.0.0.1 1\n\n", []string{rec, rec}},
		{"another header later", "packets srcaddr\n1 10.0.0.1\ndstaddr bytes start\n10.0.0.2 7 8\npackets srcaddr\n1 10.0.0.1\n",
			[]string{rec, "record dst=10.0.0.2 bytes=7 start=8", rec}},
		{"mostly unknown words are no header", "srcaddr foo bar\n10.0.0.1 1\n", []string{rec, "skipped format 1"}},
		{"a field twice is no header", "srcaddr srcaddr\n10.0.0.1 1\n", []string{rec, "skipped malformed 1"}},
		{"upper case is no header", "SRCADDR PACKETS\n10.0.0.1 1\n", []string{rec, "skipped malformed 1"}},
		{"every other line may be bad", "10.0.0.1 1\nbogus line\n10.0.0.1 1\nx\n10.0.0.1 NaN\n- -\n10.0.0.1 1",
			[]string{rec, rec, rec, "skipped nodata 1", "skipped malformed 2", "skipped format 1"}},
		{"long line", "10.0.0.1 1\n" + strings.Repeat("x", MaxLine+1) + "\n10.0.0.1 1\n", []string{rec, rec, "skipped malformed 1"}},
		{"long header", strings.Repeat(" ", MaxLine) + "srcaddr packets\n10.0.0.1 1\n", []string{rec, "skipped malformed 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, got := range map[string]*collected{
				"data":   read(t, Options{Formats: tiny(t)}, test.body),
				"gzip":   read(t, Options{Formats: tiny(t)}, zip(test.body)),
				"stream": readStream(t, Options{Formats: tiny(t)}, test.body),
				"object": readStream(t, Options{Formats: tiny(t)}, zip(test.body)),
			} {
				if diff := cmp.Diff(test.want, got.show(), compare); diff != "" {
					t.Errorf("as %s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// through reads an object in small windows.
func through(t *testing.T, src io.Reader, window int, o Options) *collected {
	t.Helper()
	var c collected
	r := NewReader(o)
	r.window = window
	if err := r.Read(flow.Body{Stream: src}, c.add); err != nil {
		t.Fatal(err)
	}
	return &c
}

func TestStreamsAreCutAnywhere(t *testing.T) {
	lines := "packets interface-id\n"
	for i := range 40 {
		lines += fmt.Sprintf("%d eni-%d\r\n", i*i*i, i)
	}
	lines += "dstaddr bytes\n10.0.0.2 7\n\n10.0.0.3 8"
	docs := envelope("g", "s", "10.0.0.1 1") + "\n" + envelope("g", "eni-1-all", "10.0.0.1 2", "bogus", "10.0.0.1 3") +
		`{"messageType":"CONTROL_MESSAGE","logEvents":[{}]}` + envelope("g\t", "eni-\u00e9", "10.0.0.1\t4")
	for _, text := range []string{lines, docs} {
		want := read(t, Options{Formats: tiny(t)}, text).show()
		for name, body := range map[string]string{"plain": text, "gzip": zip(text[:50], text[50:]), "zstd": zst(text[:50], text[50:])} {
			for window := 32; window < 400; window += 7 {
				for _, slow := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader, iotest.HalfReader} {
					got := through(t, slow(strings.NewReader(body)), window, Options{Formats: tiny(t)}).show()
					if diff := cmp.Diff(want, got, compare); diff != "" {
						t.Fatalf("%s in windows of %d (-whole +stream):\n%s", name, window, diff)
					}
				}
			}
		}
	}
}

func TestStreamsThatBreakOff(t *testing.T) {
	broken := errors.New("connection reset")
	lines := strings.Repeat("10.0.0.1 1\n", 1000)
	docs := strings.Repeat(envelope("g", "s", "10.0.0.1 1"), 100)
	cut := func(s string) io.Reader { return strings.NewReader(s) }
	reset := func(s string) io.Reader { return io.MultiReader(strings.NewReader(s), iotest.ErrReader(broken)) }
	for _, test := range []struct {
		name    string
		src     io.Reader
		err     error
		some    bool // records come before the end
		failure flow.Stage
		counted uint64
	}{
		{"gzip cut off", cut(zip(lines, lines)[:len(zip(lines))+20]), nil, true, flow.Decompress, 1},
		{"gzip cut off in a line", cut(zip(lines + "10.0.0.1 NaN")[:len(zip(lines+"10.0.0.1 NaN"))-4]), nil, true, flow.Decompress, 1},
		{"gzip header cut off", cut(gzipMagic + "\x08"), nil, false, flow.Decompress, 1},
		{"garbage behind gzip", cut(zip(lines) + "garbage"), nil, true, flow.Decompress, 1},
		{"documents cut off", cut(zip(docs, docs)[:len(zip(docs))+20]), nil, true, flow.Decompress, 1},
		{"zstd cut off", cut(zst(lines, lines)[:len(zst(lines))+10]), nil, true, flow.Decompress, 1},
		{"last document incomplete", cut(docs + `{"messageType"`), nil, true, flow.Envelope, 1},
		{"a document is no JSON", cut(docs + `{"messageType"}` + docs), nil, true, flow.Envelope, 1},
		{"binary", cut("PAR1\x15\x04"), nil, false, flow.Content, 1},
		{"text, reset", reset(lines), broken, false, 0, 0},
		{"documents, reset", reset(docs + "{"), broken, false, 0, 0},
		{"gzip, reset", reset(zip(lines)[:40]), broken, false, 0, 0},
		{"gzip header, reset", reset(gzipMagic + "\x08\x00"), broken, false, 0, 0},
		{"zstd, reset", reset(zst(lines)[:20]), broken, false, 0, 0},
		{"reset at once", reset(""), broken, false, 0, 0},
		{"no progress", stuck{}, io.ErrNoProgress, false, 0, 0},
		{"reset in the middle of the first bytes", reset("\x1f"), broken, false, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got collected
			r := NewReader(Options{Formats: tiny(t)})
			err := r.Read(flow.Body{Source: "file", Place: flow.Place{Partition: "a.log"}, Stream: test.src}, got.add)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if err != nil {
				if !strings.HasPrefix(err.Error(), "file a.log: ") {
					t.Errorf("error %q does not say of what", err)
				}
				return
			}
			if test.some != (len(got.records) > 0) || got.Skipped.Sum() != 0 {
				t.Errorf("%d records, skipped %v", len(got.records), got.Skipped)
			}
			want := [flow.NumStages]uint64{}
			want[test.failure] = test.counted
			if got.Failures != want {
				t.Errorf("failures %v, want %v", got.Failures, want)
			}
		})
	}
}

// stuck never gives anything.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestStreamOfLongLines(t *testing.T) {
	const window = 64
	long := strings.Repeat("x", 5*window)
	text := "10.0.0.1 1\n" + long + "\n10.0.0.2 2\n" + long + long + "\n\n10.0.0.3 3\n" + long
	got := through(t, strings.NewReader(text), window, Options{Formats: tiny(t)})
	if len(got.records) != 3 || got.Skipped[flow.Malformed] != 3 || got.Skipped.Sum() != 3 {
		t.Errorf("%s", got.show())
	}
}

func TestHeaderIsTriedFirst(t *testing.T) {
	o := Options{Formats: Fixed(mustParse(t, "interface-id instance-id"))}
	for name, got := range map[string]*collected{
		"data":   read(t, o, "instance-id interface-id\ni-1 eni-1\n"),
		"stream": readStream(t, o, "\ninstance-id interface-id\ni-1 eni-1\n"),
	} {
		if diff := cmp.Diff([]string{"record interface=eni-1 instance=i-1"}, got.show()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Nothing is read behind what is no JSON.
func TestBrokenDocumentEndsTheStream(t *testing.T) {
	src := strings.NewReader(`{"messageType":}` + strings.Repeat(" ", 1<<20))
	got := through(t, src, 64, Options{MaxInflated: 1 << 16})
	if diff := cmp.Diff([]string{"failure envelope 1"}, got.show()); diff != "" || src.Len() == 0 {
		t.Errorf("%d bytes are left, %s", src.Len(), diff)
	}
}

func TestDocumentsOfAStreamAreLimited(t *testing.T) {
	doc := envelope("g", "s", "10.0.0.1 1", "10.0.0.2 2")
	for _, test := range []struct {
		limit, records int
		failures       uint64
	}{{len(doc), 4, 0}, {len(doc) - 1, 0, 1}} {
		got := through(t, strings.NewReader(doc+doc), 16, Options{Formats: tiny(t), MaxInflated: int64(test.limit)})
		if len(got.records) != test.records || got.Failures[flow.Limit] != test.failures {
			t.Errorf("limit %d: %s", test.limit, got.show())
		}
	}
}

// A stream of text is not limited, and costs no more memory than its windows.
func TestStreamOfAnySize(t *testing.T) {
	line := []byte("10.0.0.1 1\n")
	const lines = 1 << 19 // 5.5 MiB
	src := &repeat{text: bytes.Repeat(line, 1024), left: lines / 1024}
	var records int
	r := NewReader(Options{Formats: tiny(t), MaxInflated: 1 << 16})
	r.window = 1 << 16
	err := r.Read(flow.Body{Stream: src}, func(b *Block) error { records += len(b.Records); return nil })
	if err != nil || records != lines {
		t.Fatalf("%d records, %v", records, err)
	}
	if n := cap(r.stream.buf); n > 1<<16+windowSize {
		t.Errorf("a buffer of %d bytes", n)
	}
}

// A worker that reads streams takes less than 2 MiB for all that it keeps.
func TestStreamsTakeLittleMemory(t *testing.T) {
	object := zip(strings.Repeat(strings.Join(realistic(5000), "\n")+"\n", 4))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r, records := NewReader(Options{}), 0
	err := r.Read(flow.Body{Stream: strings.NewReader(object)}, func(b *Block) error { records += len(b.Records); return nil })
	if err != nil || records < 19_000 {
		t.Fatalf("%d records, %v", records, err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := int64(after.HeapAlloc) - int64(before.HeapAlloc); n > 2<<20 {
		t.Errorf("%d bytes", n)
	}
	runtime.KeepAlive(r)
	runtime.KeepAlive(object)
}

// repeat gives a text again and again.
type repeat struct {
	text []byte
	at   int
	left int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.text[r.at:])
	if r.at += n; r.at == len(r.text) {
		r.at, r.left = 0, r.left-1
	}
	return n, nil
}

// TestLargeBuffersAreNotKeptByViews: the records of a large body are views into
// its buffer, and must not keep it alive until the next body.
func TestLargeBuffersAreNotKeptByViews(t *testing.T) {
	r := NewReader(Options{Formats: tiny(t)})
	big := envelope("g", "s", "10.0.0.1 1", noise(keep+1))
	for name, body := range map[string]flow.Body{"data": {Data: []byte(zip(big))}, "stream": {Stream: strings.NewReader(big)}} {
		var view weak.Pointer[byte]
		err := r.Read(body, func(b *Block) error { view = weak.Make(&b.Records[0].EventID[0]); return nil })
		if err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		if view.Value() != nil {
			t.Errorf("%s: the reader keeps the buffer", name)
		}
	}
	runtime.KeepAlive(r)
}

// noise is a text that no compression makes much smaller, as bombs are.
func noise(n int) string {
	text := make([]byte, n)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range text {
		text[i] = 'a' + byte(random.IntN(16))
	}
	return string(text)
}

func TestLargeBuffersAreLetGo(t *testing.T) {
	r := NewReader(Options{Formats: tiny(t)})
	big := envelope("g", "s", noise(keep+1))
	for _, body := range []flow.Body{{Data: []byte(zip(big))}, {Data: []byte(b64(big))}, {Stream: strings.NewReader(big)}} {
		if err := r.Read(body, func(*Block) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for name, n := range map[string]int{"inflated": cap(r.inflate.buf), "base64": cap(r.inflate.raw), "stream": cap(r.stream.buf),
		"scratch": cap(r.scratch), "names": cap(r.names)} {
		if n > keep {
			t.Errorf("%s: a buffer of %d bytes is kept", name, n)
		}
	}
}
