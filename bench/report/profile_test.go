package main

import (
	"strings"
	"testing"
)

// traces is what `go tool pprof -traces` printed, cut short.
const traces = `File: pipeline
Type: cpu
Duration: 301.30ms, Total samples = 200ms (66.38%)
-----------+-------------------------------------------------------
      60ms   github.com/klauspost/compress/flate.(*decompressor).huffmanBytesReader
             github.com/klauspost/compress/gzip.(*Reader).Read
             github.com/flowlog-exporter/flowlog-exporter/internal/flowlog.(*Reader).Read
-----------+-------------------------------------------------------
      20ms   hash/crc32.ieeeCLMUL
             github.com/klauspost/compress/gzip.(*Reader).Read
-----------+-------------------------------------------------------
      70ms   runtime.memmove
             github.com/flowlog-exporter/flowlog-exporter/internal/flowlog.digits (inline)
-----------+-------------------------------------------------------
      50ms   runtime.futex
`

func TestSharesFollowTheCaller(t *testing.T) {
	got := map[string]float64{}
	for _, s := range shares(traces) {
		got[s.Room] = s.Part
	}
	want := map[string]float64{"inflate": 0.3, "crc": 0.1, "envelope and line": 0.35, "other": 0.25}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	for room, part := range want {
		if d := got[room] - part; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s has %v, want %v", room, got[room], part)
		}
	}
}

// TestHandWrittenPartStays: what a person wrote outlives the page around it.
func TestHandWrittenPartStays(t *testing.T) {
	if got := byHand("# old\n" + handBegins + "\nmine\n" + handEnds + "\nmore"); got != "\nmine\n" {
		t.Errorf("%q", got)
	}
	for _, old := range []string{"", "# a page without it", handBegins + " never closed"} {
		if got := byHand(old); got != noHand {
			t.Errorf("%q of %q", got, old)
		}
	}
}

func TestGuardBreaksAboveItsBoundOnly(t *testing.T) {
	for _, c := range []struct {
		g      guard
		broken bool
		says   string
	}{
		{guard{"perf", 101, 100}, true, "MORE than the 100"},
		{guard{"perf", 100, 100}, false, "at most 100"},
		{guard{"perf", 100, 0}, false, "no bound"},
		{guard{"", 0, 100}, false, "not counted"},
	} {
		if c.g.Broken() != c.broken || !strings.Contains(c.g.String(), c.says) {
			t.Errorf("%+v: %v, %q", c.g, c.g.Broken(), c.g)
		}
	}
}
