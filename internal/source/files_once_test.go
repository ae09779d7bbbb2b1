package source

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// shelf is a ledger of whole files.
type shelf struct {
	places map[string]string
	got    []string
}

func (s *shelf) Place(name string) (string, bool) { p, ok := s.places[name]; return p, ok }

func (s *shelf) Pin(name, position string) { s.places[name] = position }

func (s *shelf) Handle(_ context.Context, b flow.Body) error {
	text, err := io.ReadAll(b.Stream)
	if err != nil {
		return err
	}
	s.got = append(s.got, string(text))
	s.places[b.Place.Partition] = b.Place.Position
	return nil
}

// TestFilesAreReadOnceByWhatTheyAre: neither a restart nor another name makes a
// file count again; another content under the same name does.
func TestFilesAreReadOnceByWhatTheyAre(t *testing.T) {
	dir, s := t.TempDir(), &shelf{places: map[string]string{}}
	path := func(name string) string { return filepath.Join(dir, name) }
	run := func(want ...string) {
		t.Helper()
		s.got = nil
		f := &Files{Name: "file", Handler: s, Places: s, Paths: []string{path("*")}, Logger: slog.New(slog.DiscardHandler)}
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.got, want) {
			t.Errorf("read %q, want %q", s.got, want)
		}
	}
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a.log", "one")
	run("one")
	run()
	if err := os.Rename(path("a.log"), path("a.log.1")); err != nil {
		t.Fatal(err)
	}
	put("a.log", "two")
	run("two")
	put("a.log", "three") // the same inode
	run("three")
	put("a.log", "three and more")
	run() // grown: what was counted would count again
	put("a.log", "th")
	run("th")
}
