package source

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// TestFolder: all files below a folder are read in the order of their names, but
// not the hidden ones; a link that leads back is no endless way.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"2026/11", "2026/10", ".git", "empty"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "2026/11"), "b.log", "a.log", ".c.log.swp")
	write(t, filepath.Join(dir, "2026/10"), "z.log")
	write(t, filepath.Join(dir, ".git"), "config")
	for from, to := range map[string]string{"around": dir, "copy.log": filepath.Join(dir, "2026/10/z.log")} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	into := &reader{}
	if err := (&Files{Name: "file", Handler: into, Paths: []string{filepath.Join(dir, "around")}}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"z.log", "a.log", "b.log", "z.log"}; !slices.Equal(into.got, want) {
		t.Errorf("got %q, want %q", into.got, want)
	}
	if err := (&Files{Paths: []string{filepath.Join(dir, "empty")}}).Check(); err == nil || !strings.Contains(err.Error(), "no file is in the folder") {
		t.Errorf("an empty folder: %v", err)
	}
}

// meeting is a handler that lets nobody go before so many are there.
type meeting struct {
	sync.WaitGroup
	mu  sync.Mutex
	got []string
}

// Handle implements Handler.
func (m *meeting) Handle(_ context.Context, b flow.Body) error {
	text, err := io.ReadAll(b.Stream)
	if err != nil {
		return err
	}
	m.Done()
	m.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, string(text))
	return fmt.Errorf("%s fails", text)
}

// TestFilesAtTheSameTime: as many are read at once as was asked for, and each that
// fails is named.
func TestFilesAtTheSameTime(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a", "b", "c")
	into := &meeting{}
	into.Add(3)
	var mu sync.Mutex
	var most, total int64
	err := (&Files{Name: "file", Handler: into, Paths: []string{dir}, Parallel: 3, Progress: func(d, of int64) {
		mu.Lock()
		defer mu.Unlock()
		most, total = max(most, d), of
	}}).Run(t.Context())
	slices.Sort(into.got)
	if want := []string{"a", "b", "c"}; !slices.Equal(into.got, want) || most != 3 || total != 3 {
		t.Errorf("got %q, progress %d of %d", into.got, most, total)
	}
	for _, name := range []string{"a fails", "b fails", "c fails"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFailuresAreBounded(t *testing.T) {
	var f failures
	for i := range maxFailures + 5 {
		f.add(fmt.Errorf("file %d", i))
		f.add(nil)
	}
	if text := f.err().Error(); !strings.HasSuffix(text, "file 99\nand 5 more could not be read") {
		t.Errorf("got %q", text[len(text)-80:])
	}
	if (&failures{}).err() != nil {
		t.Error("no failure is one")
	}
}
