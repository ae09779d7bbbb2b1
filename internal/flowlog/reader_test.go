package flowlog

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// FuzzRead gives anything to a reader, whole and in pieces.
func FuzzRead(f *testing.F) {
	doc := envelope("g", "eni-1-all", v2Line, "bogus", edit(8, "NaN"), edit(13, "SKIPDATA"))
	header := strings.Join(strings.Fields(v5), " ")
	for _, s := range []string{
		"", v2Line, v2Line + "\n" + v2Line, header + "\n" + v5Line + "\n", doc, doc + doc, zip(doc), zip(doc)[:90], zip(doc, doc), zst(doc),
		b64(zip(doc)), b64(doc), kpl(doc, zip(doc), v2Line), zip(zip(doc)), "PAR1\x15", zip(header + "\n" + v5Line),
		`{"messageType":"CONTROL_MESSAGE","logEvents":[{},{}]}`, zip(strings.Repeat("\n", 1<<21)), zst(strings.Repeat("a ", 1<<20)),
	} {
		f.Add([]byte(s))
	}
	const limit = 1 << 20
	o := Options{MaxInflated: limit, Formats: Fixed(Default, TransitGateway, mustParse(f, "srcaddr packets"))}
	r := NewReader(o)
	r.window = 4096
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var whole, pieces collected
		if err := r.Read(flow.Body{Data: data}, check(t, &whole)); err != nil {
			t.Fatal(err)
		}
		if err := r.Read(flow.Body{Stream: bytes.NewReader(data)}, check(t, &pieces)); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 256<<20 {
			t.Errorf("%d bytes of input took %d MiB", len(data), grown>>20)
		}
		for _, n := range []int{cap(r.inflate.buf), cap(r.inflate.raw), cap(r.stream.buf)} {
			if n > max(2*limit, 2*len(data)) {
				t.Errorf("a buffer of %d bytes", n)
			}
		}
		again := collected{}
		if err := NewReader(o).Read(flow.Body{Data: data}, check(t, &again)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(again.show(), whole.show()); diff != "" {
			t.Errorf("a used reader reads otherwise (-new +used):\n%s", diff)
		}
		if plain := contentOf(data); plain == contentDocuments && len(data) < limit {
			if diff := cmp.Diff(whole.show(), pieces.show()); diff != "" {
				t.Errorf("(-whole +pieces):\n%s", diff)
			}
		}
	})
}

// check is a yield that looks at every block.
func check(t *testing.T, c *collected) func(*Block) error {
	return func(b *Block) error {
		if b.empty() || len(b.Records) > BlockRecords {
			t.Errorf("a block of %d records", len(b.Records))
		}
		for _, reason := range []flow.Reason{flow.Duplicate, flow.TooOld, flow.OtherENI} {
			if b.Skipped[reason] > 0 {
				t.Errorf("%d skipped as %s", b.Skipped[reason], reason)
			}
		}
		for i := range b.Records {
			if rec := &b.Records[i]; rec.Subnet != nil || rec.Ambiguous {
				t.Error("the reader has placed a record")
			}
		}
		return c.add(b)
	}
}

// Every line of text is a record or skipped.
func TestEveryLineIsAccountedFor(t *testing.T) {
	lines := []string{v2Line, "bogus", edit(8, "NaN"), edit(13, "NODATA"), edit(13, "SKIPDATA"), strings.Repeat("x", MaxLine+1), v5Line}
	text := strings.Repeat(strings.Join(lines, "\n")+"\n", 10)
	for name, got := range map[string]*collected{
		"text":     read(t, Options{}, text),
		"stream":   readStream(t, Options{}, text),
		"envelope": read(t, Options{}, envelope("g", "s", strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)),
	} {
		if n := uint64(len(got.records)) + got.Skipped.Sum(); n != 70 || len(got.records) != 10 {
			t.Errorf("%s: %d lines, %d records, want 70 and 10", name, n, len(got.records))
		}
	}
}

func BenchmarkRead(b *testing.B) {
	lines := make([]string, 200)
	for i := range lines {
		lines[i] = v2Line
	}
	data := []byte(zip(awsEnvelope("g", "eni-1-all", lines...)))
	r := NewReader(Options{})
	b.ReportAllocs()
	for b.Loop() {
		_ = r.Read(flow.Body{Data: data}, func(*Block) error { return nil })
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(lines)), "ns/record")
}
