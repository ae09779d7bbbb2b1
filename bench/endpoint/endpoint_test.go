package endpoint

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
)

// TestBodyIsTheEnvelopeWithANumber: what is sent is valid gzip of the envelope,
// and no two are the same delivery.
func TestBodyIsTheEnvelopeWithANumber(t *testing.T) {
	dir := t.TempDir()
	o := corpus.Default()
	o.Records, o.S3Bytes = 3, 0
	if _, err := corpus.Write(dir, o); err != nil {
		t.Fatal(err)
	}
	bodies, err := corpus.Bodies(dir, corpus.KinesisV2)
	if err != nil || len(bodies) != 3 {
		t.Fatal(len(bodies), err)
	}
	for _, data := range bodies {
		b, err := Prepare(data)
		if err != nil {
			t.Fatal(err)
		}
		text := unzip(t, data)
		for number, suffix := range map[uint64]string{1: "000000000001", 987654321: "000987654321"} {
			want := bytes.Replace(text, []byte(`-all"`), []byte("-"+suffix+`"`), 1)
			member, err := base64.StdEncoding.DecodeString(string(b.appendBase64(nil, number)))
			if err != nil {
				t.Fatal(err)
			}
			if got := unzip(t, member); !bytes.Equal(got, want) {
				t.Errorf("number %d: %.300s\nwant %.300s", number, got, want)
			}
		}
		if want := bytes.Count(text, []byte(`"message":`)); b.Records != want || want < o.MinEvents {
			t.Errorf("%d records, want %d", b.Records, want)
		}
	}
}

func unzip(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
