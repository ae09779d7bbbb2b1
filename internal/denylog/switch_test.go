package denylog

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestSwitch turns between two files while flows come from several sides: each flow
// has its line in one of them, and the metrics are those of the log in use.
func TestSwitch(t *testing.T) {
	dir, registry := t.TempDir(), prometheus.NewPedanticRegistry()
	file := func(name string) Options {
		return Options{Output: "file:" + filepath.Join(dir, name), Registerer: registry}
	}
	var s Switch
	if err := s.Turn(t.Context(), file("a")); err != nil {
		t.Fatal(err)
	}
	const rounds = 200
	var observers sync.WaitGroup
	for range 4 {
		observers.Go(func() {
			for range rounds {
				s.Observe("kinesis", batch(1))
			}
		})
	}
	for _, name := range []string{"b", "a", "b"} {
		if err := s.Turn(t.Context(), file(name)); err != nil {
			t.Error(err)
		}
	}
	observers.Wait()
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	lines := 0
	for _, name := range []string{"a", "b"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		lines += bytes.Count(text, []byte("\n"))
	}
	if lines != 4*rounds {
		t.Errorf("%d lines of %d flows", lines, 4*rounds)
	}
}

// TestSwitchKeepsTheOldOne when the new one can't be had, and may turn off and on.
func TestSwitchKeepsTheOldOne(t *testing.T) {
	var out bytes.Buffer
	registry := prometheus.NewPedanticRegistry()
	var s Switch
	s.Observe("kinesis", batch(1)) // off
	if err := s.Turn(t.Context(), Options{Output: "stdout", Stdout: &out, Registerer: registry}); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []Options{{Output: "file:" + t.TempDir()}, {Output: "stdout", Format: "xml"}} {
		wrong.Registerer = registry
		if err := s.Turn(t.Context(), wrong); err == nil {
			t.Errorf("turned to %+v", wrong)
		}
	}
	s.Observe("kinesis", batch(1))
	if err := s.Turn(t.Context(), Options{Output: Off, Registerer: registry}); err != nil {
		t.Error(err)
	}
	if families, err := registry.Gather(); err != nil || len(families) > 0 {
		t.Errorf("a log that is off has %d metrics, %v", len(families), err)
	}
	if n := strings.Count(out.String(), "POLICY_DENIED"); n != 1 {
		t.Errorf("%d lines: %s", n, &out)
	}
}
