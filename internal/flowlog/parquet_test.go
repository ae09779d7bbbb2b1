package flowlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// parquetFiles reads what test/parquet.py has written, with pyarrow, of flows.log.
func parquetFiles(t testing.TB) (files map[string]string, text string) {
	t.Helper()
	names, _ := filepath.Glob("testdata/parquet/*")
	files = map[string]string{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if shape, ok := strings.CutSuffix(filepath.Base(name), ".parquet"); ok {
			files[shape] = string(data)
		} else {
			text = string(data)
		}
	}
	if len(files) < 18 || text == "" {
		t.Fatalf("%d files, %d bytes of text", len(files), len(text))
	}
	return files, text
}

// Parquet as another writer makes it says what the same flows say as text.
func TestParquet(t *testing.T) {
	files, text := parquetFiles(t)
	want := readStream(t, Options{}, text).show()
	for shape, data := range files {
		t.Run(shape, func(t *testing.T) {
			if diff := cmp.Diff(want, readStream(t, Options{}, data).show()); diff != "" {
				t.Errorf("from anywhere (-want +got):\n%s", diff)
			}
			for name, src := range map[string]io.Reader{"pipe": strings.NewReader(data), "gzip": strings.NewReader(zip(data))} {
				if diff := cmp.Diff(want, through(t, io.MultiReader(src), 128<<10, Options{}).show()); diff != "" {
					t.Errorf("as %s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// plainParquet writes lines as Parquet whose columns all are texts, in pages of
// its own and without any compression.
func plainParquet(format string, lines []string, change func(header *[]byte)) string {
	names := strings.Fields(format)
	out, group := []byte(parquetMagic), []byte{}
	for i := range names {
		var page []byte
		for _, line := range lines {
			v := strings.Fields(line)[i]
			page = append(binary.LittleEndian.AppendUint32(page, uint32(len(v))), v...)
		}
		inner := structOf(1, len(lines), 2, encodingPlain, 3, encodingRLE, 4, encodingRLE)
		header := structOf(1, pageData, 2, len(page), 3, len(page), 5, inner)
		if change != nil {
			change(&header)
		}
		column := structOf(1, parquetBytes, 3, []string{names[i]}, 4, codecNone, 5, len(lines), 7, len(header)+len(page), 9, len(out))
		group = append(group, structOf(3, column)...)
		out = append(append(out, header...), page...)
	}
	schema := structOf(4, "schema", 5, len(names))
	for _, name := range names {
		schema = append(schema, structOf(1, parquetBytes, 3, 0, 4, strings.ReplaceAll(name, "-", "_"))...)
	}
	group = append(listOf(1, len(names), group), structOf(2, len(lines))...)
	return withFooter(out, schema, len(names)+1, len(lines), group)
}

// withFooter ends a file.
func withFooter(out, schema []byte, elements, rows int, group []byte) string {
	footer := append([]byte{0x29}, listHead(elements)...) // field 2
	footer = append(append(footer, schema...), 0x16)      // field 3
	footer = binary.AppendVarint(footer, int64(rows))
	footer = append(append(footer, 0x19), listHead(1)...) // field 4
	footer = append(append(footer, group...), 0)
	out = binary.LittleEndian.AppendUint32(append(out, footer...), uint32(len(footer)))
	return string(append(out, parquetMagic...))
}

func listHead(n int) []byte { return binary.AppendUvarint([]byte{0xf0 | thriftStruct}, uint64(n)) }

func listOf(id byte, n int, elements []byte) []byte {
	return append(append([]byte{id<<4 | thriftList}, listHead(n)...), elements...)
}

// structOf writes a structure of fields and their values, and its end.
func structOf(fields ...any) (out []byte) {
	last := 0
	for i := 0; i < len(fields); i += 2 {
		id := fields[i].(int)
		head := byte(id-last) << 4
		last = id
		switch v := fields[i+1].(type) {
		case int:
			out = binary.AppendVarint(append(out, head|thriftI64), int64(v))
		case string:
			out = append(binary.AppendUvarint(append(out, head|thriftBinary), uint64(len(v))), v...)
		case []string:
			out = append(out, head|thriftList, byte(len(v))<<4|thriftBinary)
			for _, text := range v {
				text = strings.ReplaceAll(text, "-", "_")
				out = append(binary.AppendUvarint(out, uint64(len(text))), text...)
			}
		case []byte:
			out = append(append(out, head|thriftStruct), v...)
		}
	}
	return append(out, 0)
}

// The published samples say the same as Parquet.
func TestParquetSamples(t *testing.T) {
	for _, g := range samples(t) {
		if g.format == "JSON" {
			continue
		}
		f, lines := mustParse(t, g.format), []string{}
		var want collected
		for _, line := range g.lines {
			rec, result := parse(f, line)
			if result == Mismatch {
				continue
			}
			lines = append(lines, line)
			if result == Parsed {
				want.records = append(want.records, show(&rec))
			} else {
				want.Skipped[result.Reason()]++
			}
		}
		names := strings.NewReplacer("${", "", "}", "").Replace(f.String())
		for way, data := range map[string]string{"plain": plainParquet(names, lines, nil), "by dictionary": codedParquet(names, lines)} {
			if diff := cmp.Diff(want.show(), readStream(t, Options{}, data).show()); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", g.name, way, diff)
			}
		}
	}
}

// A row with an impossible value costs itself; its neighbours count.
func TestParquetRows(t *testing.T) {
	data := plainParquet("srcaddr srcport bytes log-status vpc-id", []string{
		"10.0.0.1 1 5 OK -", "10.0.0.1 65536 5 OK -", "10.0.0.256 1 5 OK -", "10.0.0.1 1 9007199254740992 OK -", "10.0.0.1 -1 5 OK -",
		"10.0.0.1 1 5 FINE -", "- - - NODATA -", "- - - SKIPDATA -", "- None - - -", "10.0.0.1 1 5 OK " + strings.Repeat("v", MaxLine+1), "10.0.0.2 2 6 OK -",
	}, nil)
	want := []string{"record src=10.0.0.1 srcport=1 bytes=5", "record src=10.0.0.2 srcport=2 bytes=6",
		"skipped nodata 2", "skipped skipdata 1", "skipped malformed 6"}
	if diff := cmp.Diff(want, readStream(t, Options{}, data).show()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFault54BrokenParquet cuts files off and turns bits: nothing of them counts
// but one failure, unless nothing that is read was hit.
func TestFault54BrokenParquet(t *testing.T) {
	files, text := parquetFiles(t)
	good := readStream(t, Options{}, text)
	for shape, data := range files {
		step := max(len(data)/71, 1)
		for at := len(parquetMagic); at < len(data); at += step {
			got := readStream(t, Options{}, data[:at])
			if n := sum(got.Failures); n != 1 || len(got.records) > 0 || got.Skipped.Sum() > 0 {
				t.Errorf("%s cut at %d: %d failures, %d records, skipped %v", shape, at, n, len(got.records), got.Skipped)
			}
			broken := []byte(data)
			broken[at] ^= 0x10
			got = readStream(t, Options{}, string(broken))
			if n, all := sum(got.Failures), uint64(len(got.records))+got.Skipped.Sum(); n > 1 || n == 1 && all > 0 || n == 0 && all != uint64(len(good.records))+good.Skipped.Sum() {
				t.Errorf("%s with a wrong bit at %d: %d failures, %d rows", shape, at, n, all)
			}
		}
	}
	broken := []byte(files["snappy"]) // its pages have checksums
	broken[len(broken)/4] ^= 1
	if got := readStream(t, Options{}, string(broken)); got.Failures[flow.Content] != 1 || len(got.records) > 0 {
		t.Errorf("a wrong checksum: %v, %d records", got.Failures, len(got.records))
	}
	for name, data := range map[string]string{
		"no field of a flow log": plainParquet("first-name age", []string{"a 1"}, nil),
		"mostly other fields":    plainParquet("bytes first-name age", []string{"1 a 1"}, nil),
		"a row group lacks one":  nullParquet(10, 0, "bytes"),
		"encrypted footer":       strings.TrimSuffix(files["gzip"], "PAR1") + "PARE",
	} {
		if got := readStream(t, Options{}, data); got.Failures[flow.Content] != 1 || len(got.records) > 0 {
			t.Errorf("%s: %v, %d records", name, got.Failures, len(got.records))
		}
	}
}

// nullParquet has rows of one column that all are absent, or of another level. The
// schema may have other columns, which its row group lacks.
func nullParquet(rows int, level byte, others ...string) string {
	levels := append(binary.AppendUvarint(nil, uint64(rows)<<1), level)
	page := append(binary.LittleEndian.AppendUint32(nil, uint32(len(levels))), levels...)
	header := structOf(1, pageData, 2, len(page), 3, len(page), 5, structOf(1, rows, 2, encodingPlain, 3, encodingRLE))
	column := structOf(1, parquetBytes, 3, []string{"srcaddr"}, 4, codecNone, 5, rows, 7, len(header)+len(page), 9, len(parquetMagic))
	schema := append(structOf(4, "schema", 5, 1+len(others)), structOf(1, parquetBytes, 3, 1, 4, "srcaddr")...)
	for _, name := range others {
		schema = append(schema, structOf(1, parquetBytes, 3, 1, 4, name)...)
	}
	group := append(listOf(1, 1, structOf(3, column)), structOf(2, rows)...)
	return withFooter(append(append([]byte(parquetMagic), header...), page...), schema, 2+len(others), rows, group)
}

// Rows that take no room count up to a ratio; of a level there is 0 and 1 only.
func TestFault54ParquetOfNothing(t *testing.T) {
	for _, test := range []struct {
		rows   int
		level  byte
		nodata uint64
		stage  flow.Stage
	}{{100_000, 0, 100_000, flow.Limit}, {1 << 30, 0, 0, flow.Limit}, {1000, 2, 0, flow.Content}, {10, 1, 0, flow.Content}} {
		got := readStream(t, Options{}, nullParquet(test.rows, test.level))
		if got.Skipped[flow.NoData] != test.nodata || test.nodata == 0 && got.Failures[test.stage] != 1 {
			t.Errorf("%d rows of level %d: %v, failures %v", test.rows, test.level, got.Skipped, got.Failures)
		}
	}
}

func sum(failures [flow.NumStages]uint64) (n uint64) {
	for _, f := range failures {
		n += f
	}
	return n
}

// TestFault54ParquetBomb reads files that promise more than they have.
func TestFault54ParquetBomb(t *testing.T) {
	one := []string{"10.0.0.1 5"}
	var names []string
	for i := range MaxColumns + 1 {
		names = append(names, "c"+strings.Repeat("x", i))
	}
	group := func(columns, rows int) []byte { return append(listOf(1, columns, nil), structOf(2, rows)...) }
	for _, test := range []struct {
		name, data string
		stage      flow.Stage
	}{
		{"page of 2 GiB", plainParquet("srcaddr bytes", one, func(h *[]byte) {
			*h = structOf(1, pageData, 2, 1<<31-1, 3, 5, 5, structOf(1, 1, 2, 0, 3, 3))
		}), flow.Limit},
		{"dictionary of 2^31 entries", plainParquet("srcaddr bytes", one, func(h *[]byte) {
			*h = structOf(1, pageDictionary, 2, 5, 3, 5, 7, structOf(1, 1<<31-1, 2, 0))
		}), flow.Content},
		{"too many columns", plainParquet(strings.Join(names, " "), []string{strings.Join(names, " ")}, nil), flow.Limit},
		{"2^31 columns", withFooter([]byte(parquetMagic), structOf(4, "s"), 1<<31-1, 1, group(0, 1)), flow.Content},
		{"2^31 columns of a row group", withFooter([]byte(parquetMagic), structOf(4, "s"), 1, 1, group(1<<31-1, 1)), flow.Content},
		{"metadata of 4 GiB", parquetMagic + "\xff\xff\xff\xff" + parquetMagic, flow.Limit},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := readStream(t, Options{}, test.data)
			runtime.ReadMemStats(&after)
			if got.Failures[test.stage] != 1 || sum(got.Failures) != 1 || len(got.records) > 0 {
				t.Errorf("failures %v, %d records, want one at stage %s", got.Failures, len(got.records), test.stage)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
				t.Errorf("%d bytes allocated", n)
			}
		})
	}
}

// Pages that are good but larger than allowed, all together, are refused.
func TestParquetMemoryIsLimited(t *testing.T) {
	files, _ := parquetFiles(t)
	got := readStream(t, Options{MaxInflated: 4 << 10}, files["none"])
	if got.Failures[flow.Limit] != 1 || len(got.records) > 0 {
		t.Errorf("failures %v, %d records", got.Failures, len(got.records))
	}
	got = readStream(t, Options{MaxInflated: 64 << 10}, files["none"])
	if sum(got.Failures) != 0 || len(got.records) == 0 {
		t.Errorf("failures %v, %d records", got.Failures, len(got.records))
	}
	long := io.MultiReader(strings.NewReader(files["none"]), io.LimitReader(endless{}, MaxSpooled))
	if got := through(t, long, 128<<10, Options{}); got.Failures[flow.Limit] != 1 {
		t.Errorf("a pipe of more than MaxSpooled: %v", got.Failures)
	}
}

// endless never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// failing is an object whose storage fails from an offset on.
type failing struct {
	*strings.Reader
	from int64
}

var errStorage = errors.New("storage is away")

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off < f.from {
		return 0, errStorage
	}
	return f.Reader.ReadAt(p, off)
}

// An error of the machine is returned: the object is none the worse for it.
func TestParquetOfFailingStorage(t *testing.T) {
	files, _ := parquetFiles(t)
	data := files["gzip"]
	for _, from := range []int64{100, int64(len(data)) / 2, int64(len(data)) - 20, int64(len(data))} {
		var got collected
		err := NewReader(Options{}).Read(flow.Body{Stream: failing{strings.NewReader(data), from}}, got.add)
		if !errors.Is(err, errStorage) || sum(got.Failures) > 0 {
			t.Errorf("from %d: %v, %v", from, err, got.Failures)
		}
	}
}

// Lines of export tasks begin with the time of their event.
func TestLinesOfExportTasks(t *testing.T) {
	const at = "2025-02-25T12:25:04.000Z "
	got := readStream(t, Options{Formats: tiny(t)}, at+"10.0.0.1 1\n"+at+"- -\n"+at+"10.0.0.1\n2025-02-25 10.0.0.1 1\n10.0.0.1 1\n"+at+"10.0.0.1 x\n")
	want := []string{"record src=10.0.0.1 packets=1", "record src=10.0.0.1 packets=1", "skipped nodata 1", "skipped malformed 1", "skipped format 2"}
	if diff := cmp.Diff(want, got.show()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzParquet reads anything: nothing panics, and what is refused counts for
// one failure and nothing else.
func FuzzParquet(f *testing.F) {
	files, _ := parquetFiles(f)
	for _, data := range files {
		f.Add([]byte(data))
	}
	f.Add([]byte(plainParquet("srcaddr bytes", []string{"10.0.0.1 5"}, nil)))
	f.Add([]byte(codedParquet("srcaddr bytes action", []string{"10.0.0.1 5 ACCEPT", "10.0.0.256 - REJECT", "- - -"})))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got collected
		r := NewReader(Options{MaxInflated: 1 << 20})
		r.yield = got.add
		if err := r.parquet(bytes.NewReader(data), int64(len(data))); err != nil {
			t.Fatal(err)
		}
		if n := sum(got.Failures); n > 1 || n == 1 && (len(got.records) > 0 || got.Skipped.Sum() > 0) {
			t.Errorf("failures %v, %d records", got.Failures, len(got.records))
		}
	})
}

// BenchmarkParquet reads the same flows as text, as gzip text and as Parquet.
func BenchmarkParquet(b *testing.B) {
	files, text := parquetFiles(b)
	if dir := os.Getenv("FLOWLOG_PARQUET"); dir != "" { // more of what test/parquet.py writes
		for _, shape := range []string{"gzip", "snappy"} {
			data, err := os.ReadFile(filepath.Join(dir, shape+".parquet"))
			if err != nil {
				b.Fatal(err)
			}
			files[shape] = string(data)
		}
		data, err := os.ReadFile(filepath.Join(dir, "flows.log"))
		if err != nil {
			b.Fatal(err)
		}
		text = string(data)
	}
	for _, way := range []struct{ name, data string }{
		{"text", text}, {"text-gzip", zip(text)}, {"parquet-gzip", files["gzip"]}, {"parquet-snappy", files["snappy"]},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			r, records := NewReader(Options{}), 0
			for b.Loop() {
				err := r.Read(flow.Body{Stream: strings.NewReader(way.data)}, func(block *Block) error {
					records += len(block.Records)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// A header of a page that does not end is not looked for without end.
func TestParquetPageHeaderIsLimited(t *testing.T) {
	long := func(size int) string {
		return plainParquet("srcaddr bytes", []string{"10.0.0.1 5"}, func(h *[]byte) {
			end := len(*h) - 1
			*h = append((*h)[:end:end], structOf(4, strings.Repeat("x", size))...) // field 9, which Parquet has not
		})
	}
	if got := readStream(t, Options{}, long(MaxPageHeader-100)); len(got.records) != 1 {
		t.Errorf("failures %v, %d records", got.Failures, len(got.records))
	}
	if got := readStream(t, Options{}, long(2*MaxPageHeader)); got.Failures[flow.Limit] != 1 || len(got.records) > 0 {
		t.Errorf("failures %v, %d records, want one at stage limit", got.Failures, len(got.records))
	}
}

func TestThriftDepthIsLimited(t *testing.T) {
	nested := func(levels int) (out []byte) {
		for range levels {
			out = append(out, 1<<4|thriftStruct)
		}
		return append(out, make([]byte, levels+1)...)
	}
	for levels, bad := range map[int]bool{maxThriftDepth: false, maxThriftDepth + 1: true, 1 << 20: true} {
		d := thrift{buf: nested(levels)}
		d.fields(func(int64, byte) bool { return false })
		if d.bad != bad {
			t.Errorf("%d levels: bad %t", levels, d.bad)
		}
	}
}
