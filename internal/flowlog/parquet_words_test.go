package flowlog

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// codedParquet writes lines as Parquet whose columns all are texts by dictionary,
// the indexes packed. What is absent is null, every second time it comes.
func codedParquet(format string, lines []string) string {
	names := strings.Fields(format)
	out, group := []byte(parquetMagic), []byte{}
	for i := range names {
		var values []string
		var indexes, levels []uint32
		absent := 0
		for _, line := range lines {
			v := strings.Fields(line)[i]
			if v == "-" {
				if absent++; absent%2 == 0 {
					levels = append(levels, 0)
					continue
				}
			}
			if !slices.Contains(values, v) {
				values = append(values, v)
			}
			indexes, levels = append(indexes, uint32(slices.Index(values, v))), append(levels, 1)
		}
		var dictionary []byte
		for _, v := range values {
			dictionary = append(binary.LittleEndian.AppendUint32(dictionary, uint32(len(v))), v...)
		}
		present := packed(levels, 1)
		page := append(binary.LittleEndian.AppendUint32(nil, uint32(len(present))), present...)
		page = append(append(page, 7), packed(indexes, 7)...)
		from := len(out)
		inner := structOf(1, len(values), 2, encodingPlain)
		out = append(append(out, structOf(1, pageDictionary, 2, len(dictionary), 3, len(dictionary), 7, inner)...), dictionary...)
		data := len(out)
		inner = structOf(1, len(lines), 2, encodingIndex, 3, encodingRLE, 4, encodingRLE)
		out = append(append(out, structOf(1, pageData, 2, len(page), 3, len(page), 5, inner)...), page...)
		column := structOf(1, parquetBytes, 3, []string{names[i]}, 4, codecNone, 5, len(lines), 7, len(out)-from, 9, data, 11, from)
		group = append(group, structOf(3, column)...)
	}
	schema := structOf(4, "schema", 5, len(names))
	for _, name := range names {
		schema = append(schema, structOf(1, parquetBytes, 3, 1, 4, strings.ReplaceAll(name, "-", "_"))...)
	}
	group = append(listOf(1, len(names), group), structOf(2, len(lines))...)
	return withFooter(out, schema, len(names)+1, len(lines), group)
}

// packed writes numbers of so many bits, as one run of groups of eight.
func packed(numbers []uint32, bits int) []byte {
	groups := (len(numbers) + 7) / 8
	out := binary.AppendUvarint(nil, uint64(groups)<<1|1)
	from := len(out)
	out = append(out, make([]byte, groups*bits)...)
	for i, n := range numbers {
		for j := range bits {
			at := i*bits + j
			out[from+at/8] |= byte(n>>j&1) << (at % 8)
		}
	}
	return out
}

// Whatever entries a dictionary has, its rows are those of the same texts without
// one: what is malformed costs the rows that refer to it.
func TestParquetDictionaries(t *testing.T) {
	const format = "account-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr srcport bytes start action flow-direction log-status vpc-id"
	good := strings.Fields("123456789010 eni-1 10.0.0.1 2001:db8::1 ::ffff:10.0.0.9 10.9.9.9 443 5 1700000000 ACCEPT ingress OK vpc-1")
	var lines []string
	for i := range good {
		for _, v := range []string{
			good[i], "-", "None", "nan", "unknown", "x", "10.0.0.256", "10.0.0.2", "0", "-1", "65536", "REJECT", "egress", "NODATA", "SKIPDATA",
			strings.Repeat("v", MaxLine), strings.Repeat("v", MaxLine+1),
		} {
			line := slices.Clone(good)
			line[i] = v
			lines = append(lines, strings.Join(line, " "), strings.Join(good, " "), strings.Join(line, " "))
		}
	}
	lines = append(lines, strings.Repeat("- ", len(good)))
	if len(lines) < 4*stripRows {
		t.Fatalf("%d lines are no more than a few strips", len(lines))
	}
	want := readStream(t, Options{}, plainParquet(format, lines, nil))
	if len(want.records) < len(lines)/2 || want.Skipped[flow.Malformed] < 50 || want.Skipped[flow.NoData] == 0 || want.Skipped[flow.SkipData] == 0 {
		t.Fatalf("%d records, skipped %v", len(want.records), want.Skipped)
	}
	if diff := cmp.Diff(want.show(), readStream(t, Options{}, codedParquet(format, lines)).show()); diff != "" {
		t.Errorf("(-plain +by dictionary):\n%s", diff)
	}
}

// The entries that are read once count for the memory of the object.
func TestParquetDictionaryMemoryIsLimited(t *testing.T) {
	var lines []string
	for i := range 90 {
		lines = append(lines, fmt.Sprintf("10.0.0.%d", 10+i))
	}
	data := codedParquet("srcaddr", lines)
	const text, start, index, addr = 4 + 9, 4, 2, 24
	for limit, ok := range map[int64]bool{90 * (text + start + index): false, 92 * (text + start + index + addr): true} {
		got := readStream(t, Options{MaxInflated: limit}, data)
		if ok && len(got.records) != 90 || !ok && (got.Failures[flow.Limit] != 1 || len(got.records) > 0) {
			t.Errorf("limit %d: %d records, failures %v", limit, len(got.records), got.Failures)
		}
	}
}

// An entry that has to be looked at for each row is so up to a ratio only.
func TestFault54ParquetLongEntry(t *testing.T) {
	for _, field := range []string{"srcaddr", "action", "interface-id"} {
		data := codedParquet(field, slices.Repeat([]string{strings.Repeat("x", MaxLine)}, 1000))
		got := readStream(t, Options{}, data)
		if got.Failures[flow.Limit] != 1 || len(got.records) > 0 || got.Skipped.Sum() > 0 {
			t.Errorf("%s: failures %v, %d records, skipped %v", field, got.Failures, len(got.records), got.Skipped)
		}
	}
}

// Packed numbers of any width are read in any portions.
func TestHybridWidths(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for bits := range 33 {
		want := make([]uint32, 8*37)
		for i := range want {
			want[i] = uint32(random.Uint64() & (1<<bits - 1))
		}
		h := newHybrid(packed(want, bits), uint(bits))
		for at := 0; at < len(want); {
			got := make([]uint32, min(1+random.IntN(90), len(want)-at))
			if !h.read(got) || !slices.Equal(got, want[at:at+len(got)]) {
				t.Fatalf("%d bits, from %d on: %x, want %x", bits, at, got, want[at:at+len(got)])
			}
			at += len(got)
		}
	}
}
