package denylog

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFileIsAppended(t *testing.T) {
	tests := []struct{ name, before, want string }{
		{"new", "", ""},
		{"whole", "old\n", "old\n"},
		{"torn", "ol", "ol\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "deny.log")
			if tt.before != "" {
				if err := os.WriteFile(path, []byte(tt.before), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			l := start(t, Options{Output: "file:" + path, Format: "legacy"})
			l.Observe("file", batch(1))
			if err := l.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := l.Reopen(); err != nil {
				t.Errorf("Reopen after Close: %v", err)
			}
			r := refused()
			if want := tt.want + string(legacyRecord(nil, &r)) + "\n"; read(t, path) != want {
				t.Errorf("got %q, want %q", read(t, path), want)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm()&^0o640 != 0 {
				t.Errorf("file has mode %v, %v", info.Mode(), err)
			}
		})
	}
}

// TestReopen: lines before the call are in the old file, lines after it in the
// new one, also when it is called twice; a failed call changes nothing.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	path, old := filepath.Join(dir, "a", "deny.log"), filepath.Join(dir, "a", "deny.log.1")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	l := start(t, Options{Output: "file:" + path})
	l.Observe("before", batch(300))
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	l.Observe("after", batch(20))
	if err := os.Rename(filepath.Dir(path), filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "check that the directory exists") {
		t.Errorf("reopening in a lost directory: %v", err)
	}
	l.Observe("after", batch(5))
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]struct {
		source string
		lines  int
	}{"deny.log.1": {"before", 300}, "deny.log": {"after", 25}} {
		text := read(t, filepath.Join(dir, "b", file))
		if n := strings.Count(text, `"source":"`+want.source+`"`); n != want.lines || strings.Count(text, "\n") != want.lines {
			t.Errorf("%s has %d lines, %d of them from %s, want %d", file, strings.Count(text, "\n"), n, want.source, want.lines)
		}
	}
}

// gate lets nothing through until it is opened.
type gate struct {
	bytes.Buffer
	opened chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.opened
	return g.Buffer.Write(p)
}

// TestTurnUnderLoad: lines that wait at the turn go to the old output, however
// late they are written.
func TestTurnUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, newer := &gate{opened: make(chan struct{})}, &bytes.Buffer{}
		l := start(t, Options{Stdout: old})
		l.Observe("file", batch(1))
		synctest.Wait() // the first line is in the hands of the writer
		l.Observe("file", batch(300))
		if err := l.turnTo(&output{w: newer}); err != nil {
			t.Fatal(err)
		}
		l.Observe("file", batch(20))
		close(old.opened)
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		before, _ := told(t, old.Bytes())
		after, _ := told(t, newer.Bytes())
		if before != 301 || after != 20 {
			t.Errorf("%d lines before the turn and %d after it, want 301 and 20", before, after)
		}
	})
}

// TestTornAtTheTurn: what is torn in the old output stays there. A summary is
// told again in the new one, a line is lost.
func TestTornAtTheTurn(t *testing.T) {
	r := refused()
	size := len(formJSON.record(nil, "file", &r)) + 1
	tests := []struct {
		name             string
		left             int
		suppressed, lost uint64
	}{
		{"summary", size + 20, 19, 0},
		{"line", size - 20, 19, 1},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			old, newer := &tearing{left: tt.left}, &bytes.Buffer{}
			l := start(t, Options{Stdout: old, Rate: 1})
			l.Observe("file", batch(20))
			time.Sleep(summaryDelay)
			synctest.Wait()
			if err := errors.Join(l.turnTo(&output{w: newer}), l.Close(t.Context())); err != nil {
				t.Fatal(err)
			}
			_, suppressed := told(t, newer.Bytes())
			if c, _ := l.snapshot(); suppressed != tt.suppressed || c.dropped[reasonWrite] != tt.lost {
				t.Errorf("%s: %d told suppressed and %d lost, want %d and %d",
					tt.name, suppressed, c.dropped[reasonWrite], tt.suppressed, tt.lost)
			}
		})
	}
}

// TestReopenOfStream: the standard streams have nothing to reopen.
func TestReopenOfStream(t *testing.T) {
	l := start(t, Options{Stdout: &strings.Builder{}})
	if err := errors.Join(l.Reopen(), l.Close(t.Context()), l.Close(t.Context())); err != nil {
		t.Error(err)
	}
}

// TestPipeNobodyReads uses pipes of the system: a named one without a reader is
// refused at once, and one whose reader is asleep blocks nothing.
func TestPipeNobodyReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Output: "file:" + path}); !errors.Is(err, syscall.ENXIO) || !strings.Contains(err.Error(), "start the reader") {
		t.Errorf("opening a pipe without a reader: %v", err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	l := start(t, Options{Stdout: writer})
	l.Observe("file", batch(20_000))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close returned %v", err)
	}
	if err := writer.Close(); err != nil { // wakes the writer
		t.Error(err)
	}
	<-l.done
	c, waiting := l.snapshot()
	if c.records+c.dropped[reasonQueue] != 20_000 || c.dropped[reasonWrite] > c.records || c.dropped[reasonWrite] == 0 || waiting != 0 {
		t.Errorf("got %+v, %d waiting", c, waiting)
	}
}
