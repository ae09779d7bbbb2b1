package flowlog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// zip makes one gzip member of each text.
func zip(texts ...string) string {
	var b bytes.Buffer
	for _, text := range texts {
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
	}
	return b.String()
}

// zst makes one zstd frame of each text.
func zst(texts ...string) string {
	var b bytes.Buffer
	for _, text := range texts {
		w, _ := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		_, _ = w.Write([]byte(text))
		_ = w.Close()
	}
	return b.String()
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestContents(t *testing.T) {
	const line, rec = "10.0.0.1 1\n", "record src=10.0.0.1 packets=1"
	doc := envelope("g", "s", "10.0.0.1 1")
	const recDoc = "record account=123456789012 src=10.0.0.1 packets=1 event=event-0"
	parquet := "PAR1\x15\x04\x15\x00"
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"nothing", "", nil},
		{"blanks", " \r\n\n", nil},
		{"text", line, []string{rec}},
		{"text that is no flow log", "hello, wörld ☃\nfoo", []string{"skipped format 2"}},
		{"JSON", doc, []string{recDoc}},
		{"JSON behind blanks", "\n\t " + doc, []string{recDoc}},
		{"gzip of JSON", zip(doc), []string{recDoc}},
		{"gzip of text", zip(line), []string{rec}},
		{"gzip of nothing", zip(""), nil},
		{"members of gzip", zip(doc, doc), []string{recDoc, recDoc}},
		{"members that share a line", zip("10.0.", "0.1 1"), []string{rec}},
		{"zstd", zst(doc), []string{recDoc}},
		{"frames of zstd", zst(line, line), []string{rec, rec}},
		{"base64 of gzip", b64(zip(doc)), []string{recDoc}},
		{"base64 without padding", strings.TrimRight(b64(zip(doc)), "=") + "\n", []string{recDoc}},
		{"base64 of JSON", b64(doc), []string{recDoc}},
		{"text whose first word looks like base64", "H4sIAAAA 1\neyJhIjox 1\n" + line, []string{rec, "skipped malformed 2"}},
		{"broken base64", "H4sI!!!!", []string{"failure decompress 1"}},
		{"gzip cut off", zip(doc)[:60], []string{"failure decompress 1"}},
		{"gzip header cut off", gzipMagic, []string{"failure decompress 1"}},
		{"second member broken", zip(doc) + zip(doc)[:30], []string{"failure decompress 1"}},
		{"wrong checksum", strings.Replace(zip(line), zip(line)[len(zip(line))-8:], "12345678", 1), []string{"failure decompress 1"}},
		{"zstd cut off", zst(doc)[:30], []string{"failure decompress 1"}},
		{"gzip in gzip", zip(zip(doc)), []string{"failure content 1"}},
		{"Parquet", parquet, []string{"failure content 1"}},
		{"gzip of Parquet", zip(parquet), []string{"failure content 1"}},
		{"no UTF-8", "caf\xe9 1\n", []string{"failure content 1"}},
		{"text that looks good for long enough", line + strings.Repeat("x\n", 300) + "\x00\xff\n" + line,
			[]string{rec, rec, "skipped format 301"}},
		{"a rune at the edge", strings.Repeat("x", sniffed-1) + "☃", []string{"skipped format 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := read(t, Options{Formats: tiny(t)}, test.body)
			if diff := cmp.Diff(test.want, got.show(), compare); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestInflateLimit(t *testing.T) {
	line := "10.0.0.1 1\n"
	text := strings.Repeat(line, 100)
	for _, test := range []struct {
		name, body string
		limit      int
		want       []string
	}{
		{"gzip at the limit", zip(text), len(text), nil},
		{"gzip above", zip(text), len(text) - 1, []string{"failure limit 1"}},
		{"the members' sum counts", zip(text, text), 2*len(text) - 1, []string{"failure limit 1"}},
		{"zstd at the limit", zst(text), len(text), nil},
		{"zstd above", zst(text), len(text) - 1, []string{"failure limit 1"}},
		{"a bomb", zip(strings.Repeat("\x00", 10<<20)), 1 << 20, []string{"failure limit 1"}},
		{"a bomb of zstd", zst(strings.Repeat("\x00", 10<<20)), 1 << 20, []string{"failure limit 1"}},
		{"each aggregated message has the limit", kpl(zip(text), zip(text)), len(text), nil},
		{"plain text is not inflated", text, 10, nil},
		{"base64", b64(envelope("g", "s")), 10, []string{"failure limit 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := read(t, Options{Formats: tiny(t), MaxInflated: int64(test.limit)}, test.body)
			failures := (&collected{Failures: got.Failures}).show()
			if diff := cmp.Diff(test.want, failures, compare); diff != "" || (test.want == nil) != (len(got.records) > 0) {
				t.Errorf("%d records, (-want +got):\n%s", len(got.records), diff)
			}
		})
	}
}

func TestWindowOfZstdIsLimited(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(2*maxWindow), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		_, _ = w.Write(bytes.Repeat([]byte("10.0.0.1 1\n"), 1<<20/11))
		_ = w.Flush()
	}
	_ = w.Close()
	for name, got := range map[string]*collected{"data": read(t, Options{}, b.String()), "stream": readStream(t, Options{}, b.String())} {
		if diff := cmp.Diff([]string{"failure limit 1"}, got.show()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestReaderIsUsedAgain(t *testing.T) {
	r := NewReader(Options{Formats: tiny(t)})
	bodies := []string{zip("10.0.0.1 1"), zip("10.0.0.1 1")[:20], b64(zip("10.0.0.1 1")), zst("10.0.0.1 1"), zst("10.0.0.1 1")[:10],
		"srcaddr dstaddr\n10.0.0.1 10.0.0.2\n", "10.0.0.1 1", envelope("g", "s", "10.0.0.1 1"), "\x00", "10.0.0.1 1"}
	var want, got []string
	for _, body := range append(bodies, bodies...) {
		want = append(want, read(t, Options{Formats: tiny(t)}, body).show()...)
		var c collected
		if err := r.Read(flow.Body{Data: []byte(body)}, c.add); err != nil {
			t.Fatal(err)
		}
		got = append(got, c.show()...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-new reader +used reader):\n%s", diff)
	}
}

func TestYieldEndsTheReading(t *testing.T) {
	stop := errors.New("stop")
	for name, body := range map[string]flow.Body{
		"text":       {Data: []byte(v2Line)},
		"envelope":   {Data: []byte(envelope("g", "s", v2Line))},
		"aggregated": {Data: []byte(kpl(v2Line, v2Line))},
		"failure":    {Data: []byte{0}},
		"stream":     {Stream: strings.NewReader(v2Line)},
		"documents":  {Stream: strings.NewReader(envelope("g", "s", v2Line))},
	} {
		calls := 0
		err := NewReader(Options{}).Read(body, func(*Block) error { calls++; return stop })
		if !errors.Is(err, stop) || calls != 1 {
			t.Errorf("%s: %v after %d calls", name, err, calls)
		}
	}
}

// The whole way from gzip to records allocates nothing once the reader is warm.
func TestReadAllocatesNothing(t *testing.T) {
	for _, test := range []struct{ name, body string }{
		{"gzip envelope", zip(envelope("g", "eni-1-all", v2Line, v2Line, edit(13, "NODATA"), edit(8, "NaN")))},
		{"envelope of AWS", zip(awsEnvelope("g", "eni-1-all", v2Line, edit(13, "NODATA"), v2Line, edit(8, "NaN"), v2Line))},
		{"many events", zip(awsEnvelope("g", "eni-1-all", slices.Repeat([]string{v2Line}, 3*BlockRecords)...))},
		{"escapes", envelope("g\n", "eni-1-all", v2Line+"\n", v2Line)},
		{"text", v2Line + "\n" + v2Line + "\n"},
		{"text with a header", strings.Join(strings.Fields(v5), " ") + "\n" + v5Line + "\n" + v5Line + "\n"},
	} {
		r := NewReader(Options{})
		data := []byte(test.body)
		yield := func(*Block) error { return nil }
		n := testing.AllocsPerRun(100, func() {
			if err := r.Read(flow.Body{Data: data}, yield); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations a body", test.name, n)
		}
	}
}

// logged returns a logger and what it wrote.
func logged() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	return slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: drop})), &b
}

func TestFailuresAreToldOncePerTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, log := logged()
		shared := &Notices{}
		a, b := NewReader(Options{Logger: logger, Notices: shared}), NewReader(Options{Logger: logger, Notices: shared})
		fail := func(r *Reader) {
			_ = r.Read(flow.Body{Data: []byte("PAR1\x15\x04 and more than thirty-two bytes")}, func(*Block) error { return nil })
		}
		for range 50 {
			fail(a)
			fail(b)
		}
		want := `level=WARN msg="a message cannot be decoded: it looks like Parquet" stage=content bytes=37 ` +
			`sha256=36a293d936bb27f5aa33b6f0413a4091 first_bytes="PAR1\\x15\\x04 and more than thirty-two bytes"` + "\n"
		if diff := cmp.Diff(want, log.String()); diff != "" {
			t.Error(diff)
		}
		time.Sleep(quiet - 1)
		fail(a)
		if n := strings.Count(log.String(), "\n"); n != 1 {
			t.Errorf("%d lines before the time has come", n)
		}
		time.Sleep(time.Nanosecond)
		fail(b)
		fail(a)
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("%d lines after it has come, want 2", n)
		}
	})
}

func TestGuesses(t *testing.T) {
	for _, test := range []struct{ body, want string }{
		{gzipMagic + "x", "gzip"}, {`{"message":7}`, "Firehose record"}, {`{"requestId":""}`, "--firehose.listen"}, {`{"Records":[]}`, "S3 or SNS"}, {"{]", "JSON"},
		{zip(zip("x")), "nested gzip"}, {"\xff\xfe1\x00", "UTF-16"}, {"\x00", "neither"}, {kplMagic + "x", "KPL record with a wrong checksum"},
	} {
		logger, log := logged()
		read(t, Options{Logger: logger}, test.body)
		if !strings.Contains(log.String(), test.want) {
			t.Errorf("%q: log says %q, want %q", test.body, log, test.want)
		}
	}
}

func TestUnknownFieldsAreToldOnce(t *testing.T) {
	logger, log := logged()
	shared := &Notices{}
	for range 3 {
		r := NewReader(Options{Logger: logger, Notices: shared, Formats: Fixed(mustParse(t, "srcaddr moon-phase"))})
		for range 3 {
			_ = r.Read(flow.Body{Data: []byte(envelope("g", "s", "10.0.0.1 full", "10.0.0.2 new"))}, func(*Block) error { return nil })
			_ = r.Read(flow.Body{Data: []byte("srcaddr tide\n10.0.0.1 low\n10.0.0.1 high\n")}, func(*Block) error { return nil })
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "fields=[moon-phase]") ||
		!strings.Contains(log.String(), "fields=[tide]") {
		t.Errorf("log:\n%s", log)
	}
}

func TestForeignLinesAreTold(t *testing.T) {
	logger, log := logged()
	r := NewReader(Options{Logger: logger})
	for range 3 {
		_ = r.Read(flow.Body{Data: []byte(envelope("flows", "s", v5Line, v5Line))}, func(*Block) error { return nil })
		_ = r.Read(flow.Body{Data: []byte(envelope("parsed", "s", `{"version":2}`))}, func(*Block) error { return nil })
	}
	want := `level=WARN msg="a line has 29 fields, the known format has 14; pass --format, or allow ec2:DescribeFlowLogs" log_group=flows
level=WARN msg="log events hold JSON objects, not flow log lines: a log transformer (parseVPC) rewrites this log group; ` +
		`subscribe to the original logs (applyOnTransformedLogs=false)" log_group=parsed
`
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Error(diff)
	}
}

func TestNoticesAreBounded(t *testing.T) {
	var n Notices
	for i := range 2 * maxNotices {
		n.once("x", string(rune('a'+i)))
	}
	if len(n.told) != maxNotices {
		t.Errorf("%d sentences are remembered", len(n.told))
	}
}
