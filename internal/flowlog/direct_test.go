package flowlog

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// TestDirectDelivery: lines as VPC delivers them to Firehose, in a message or in
// an object that Firehose has written.
func TestDirectDelivery(t *testing.T) {
	const (
		a    = `{"message":"10.0.0.1 1"}`
		recA = "record src=10.0.0.1 packets=1"
	)
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"one", a + "\n", []string{recA}},
		{"a line a document", a + "\n" + a + "\n", []string{recA, recA}},
		{"run together", a + a + a, []string{recA, recA, recA}},
		{"escapes", `{"m\u0065ssage":"10.0.0.1\t\u0031\r\n"}`, []string{recA}},
		{"other keys", `{"x":[{}],"message":"10.0.0.1 1","logEvents":null}`, []string{recA}},
		{"a bad line costs itself", `{"message":"10.0.0.1 NaN"}` + a + `{"message":""}{"message":"{\"version\":2}"}`,
			[]string{recA, "skipped malformed 1", "skipped format 2"}},
		{"no text", `{"message":7}` + a + `{"message":null}`, []string{recA, "failure envelope 2"}},
		{"an envelope of another kind", `{"messageType":"NEW","message":"10.0.0.1 1"}`, []string{"failure envelope 1"}},
		{"an envelope without its type", `{"logEvents":[],"message":"10.0.0.1 1"}`, []string{"failure envelope 1"}},
		{"longer than a line", `{"message":"` + strings.Repeat(" ", 7*MaxLine) + `"}` + a, []string{recA, "skipped malformed 1"}},
		{"behind an envelope nothing stays of that", envelope("g", "eni-1-all", "10.0.0.2 2") + a,
			[]string{"record account=123456789012 interface=eni-1 src=10.0.0.2 packets=2 event=event-0", recA}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, got := range map[string]*collected{
				"data":   read(t, Options{Formats: tiny(t)}, test.body),
				"stream": readStream(t, Options{Formats: tiny(t)}, test.body),
				"zipped": read(t, Options{Formats: tiny(t)}, zip(test.body)),
			} {
				if diff := cmp.Diff(test.want, got.show(), compare); diff != "" {
					t.Errorf("as %s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// TestBatch: every message of a batch is read as if it came alone, and a bad one
// costs itself.
func TestBatch(t *testing.T) {
	r := NewReader(Options{Formats: tiny(t)})
	got := &collected{}
	body := flow.Body{Batch: [][]byte{
		[]byte(`{"message":"10.0.0.1 1"}` + "\n"), nil, []byte("\x1f\x8bbroken"), []byte(zip(envelope("g", "s", "10.0.0.2 2"))), []byte("packets srcaddr\n3 10.0.0.3"),
		[]byte("10.0.0.4 4"),
	}}
	if err := r.Read(body, check(t, got)); err != nil {
		t.Fatal(err)
	}
	if len(got.records) != 4 || got.Failures[flow.Decompress] != 1 || got.Skipped.Sum() != 0 {
		t.Errorf("%s", got.show())
	}
}

// TestBatchFillsBlocks: the lines of a delivery come in full blocks, not in one
// each, and are what they are when each comes alone, whatever stands between them.
func TestBatchFillsBlocks(t *testing.T) {
	const lines = 3000
	var batch [][]byte
	for i := range lines {
		batch = append(batch, fmt.Appendf(nil, "{\"message\":\"10.%d.%d.1 %d\"}\n", i>>8, i&255, i))
	}
	options := Options{Formats: tiny(t)}
	got := &collected{}
	r := NewReader(options)
	for range 2 { // the second time in buffers that were used
		*got = collected{}
		if err := r.Read(flow.Body{Batch: batch}, check(t, got)); err != nil {
			t.Fatal(err)
		}
		if want := (lines + BlockRecords - 1) / BlockRecords; len(got.records) != lines || got.blocks != want {
			t.Errorf("%d records in %d blocks, want %d in %d", len(got.records), got.blocks, lines, want)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	others := []string{
		`{"message":"10.0.0.1\t\u0031"}`, `{"message":"10.0.0.1 NaN"}`, zip(`{"message":"10.0.0.2 2"}`), "\x1f\x8bbroken", "10.0.0.4 4", "", "\x00\x01",
		envelope("g", "eni-12-all", "10.0.0.5 5", "10.0.0.6 6"), zip(envelope("a\u00e9", "eni-34-all", "10.0.0.7 7")), envelope("\u00e9", "s", "10.0.0.8 8"),
		"packets srcaddr\n3 10.0.0.3", base64.StdEncoding.EncodeToString([]byte(zip("10.0.0.9 9"))), strings.Repeat("10.1.1.1 1\n", 2000), `{"half":`,
		strings.Repeat(`{"message":"10.0.0.1 1"}`+strings.Repeat(" ", 1000), 700), // more than is laid behind
	}
	for range 200 {
		batch, want := batch[:0:0], &collected{}
		for range rng.IntN(40) {
			m := others[rng.IntN(len(others))]
			if rng.IntN(2) == 0 {
				m = fmt.Sprintf(`{"message":"10.9.9.9 %d"}`, rng.IntN(1e6))
			}
			batch = append(batch, []byte(m))
			if err := NewReader(options).Read(flow.Body{Data: []byte(m)}, want.add); err != nil {
				t.Fatal(err)
			}
		}
		*got = collected{}
		if err := r.Read(flow.Body{Batch: batch}, check(t, got)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.show(), got.show(), compare); diff != "" {
			t.Fatalf("%.200q (-alone +batch):\n%s", batch, diff)
		}
	}
}
