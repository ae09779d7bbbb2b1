package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestProbe says what a start would find, and leaves everything as it is.
func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string)
		says    string
		err     error
	}{
		{"missing", func(*testing.T, string) {}, "is not there yet and will be made", nil},
		{"empty", func(t *testing.T, dir string) { check(t, os.Mkdir(dir, 0o700)) }, "holds no state yet", nil},
		{"a state", func(t *testing.T, dir string) { saved(t, dir, 1) }, "holds generation 7", nil},
		{"a damaged state", func(t *testing.T, dir string) {
			saved(t, dir, 2)
			check(t, os.WriteFile(filepath.Join(dir, newestName), []byte("damage"), 0o600))
		}, "from generation 7", nil},
		{"nothing whole", func(t *testing.T, dir string) {
			saved(t, dir, 1)
			check(t, os.WriteFile(filepath.Join(dir, newestName), []byte("damage"), 0o600))
		}, "no state can be read", errAny},
		{"a file", func(t *testing.T, dir string) { check(t, os.WriteFile(dir, nil, 0o600)) }, "cannot write the state", errAny},
		{"in use", func(t *testing.T, dir string) {
			f, err := OpenFile(dir)
			check(t, err)
			t.Cleanup(func() { f.Close() })
		}, "in use by another process", ErrLocked},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			c.prepare(t, dir)
			before := listing(t, filepath.Dir(dir))
			text, err := Probe(dir)
			if c.err == nil && err != nil || c.err != nil && err == nil || errors.Is(c.err, ErrLocked) && !errors.Is(err, ErrLocked) {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				text = err.Error()
			}
			if !strings.Contains(text, c.says) {
				t.Errorf("says %q, want %q", text, c.says)
			}
			if after := listing(t, filepath.Dir(dir)); !slices.Equal(before, after) {
				t.Errorf("was %v, is %v", before, after)
			}
		})
	}
}

// TestProbeGivesTheStateBack: who has probed keeps nobody from the state.
func TestProbeGivesTheStateBack(t *testing.T) {
	dir := t.TempDir()
	saved(t, dir, 1)
	_, err := Probe(dir)
	check(t, err)
	f, err := OpenFile(dir)
	check(t, err)
	check(t, f.Close())
}

var errAny = errors.New("any")

// saved makes generations 7, 8 … in dir.
func saved(t *testing.T, dir string, generations int) {
	t.Helper()
	f, err := OpenFile(dir)
	check(t, err)
	_, _, err = f.Load()
	check(t, err)
	for i := range generations {
		check(t, f.Save(&Snapshot{Generation: uint64(7 + i)}))
	}
	check(t, f.Close())
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func listing(t *testing.T, dir string) (names []string) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	}))
	return names
}
