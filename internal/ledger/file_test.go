package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func openFile(t testing.TB, dir string) *File {
	t.Helper()
	f, err := OpenFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// loaded opens a directory that loads well.
func loaded(t testing.TB, dir string) *File {
	t.Helper()
	f := openFile(t, dir)
	if _, _, err := f.Load(); err != nil {
		t.Fatal(err)
	}
	return f
}

func put(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFileLife(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "state of mine")
	random := seeded(11)
	f := openFile(t, dir)
	s, origin, err := f.Load()
	if err != nil || origin != Fresh || s.Generation != 0 {
		t.Fatalf("loaded %v, %v, %v", s, origin, err)
	}
	var last *Snapshot
	for n := range uint64(3) {
		last = anySnapshot(random, n+1)
		if err := f.Save(last); err != nil {
			t.Fatal(err)
		}
	}
	put(t, dir, asideName, []byte("half a"))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(last); err == nil {
		t.Error("a closed state was saved")
	}
	f = openFile(t, dir)
	s, origin, err = f.Load()
	if err != nil || origin != Newest {
		t.Fatalf("loaded %v, %v", origin, err)
	}
	if diff := cmp.Diff(last, s); diff != "" {
		t.Error(diff)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		if info, _ := e.Info(); info.Mode() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	if want := []string{"lock", "state", "state.1"}; !slices.Equal(names, want) {
		t.Errorf("files %q", names)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if info, _ := os.Stat(d); info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", d, info.Mode())
		}
	}
}

func TestLoad(t *testing.T) {
	c := smallCodec(t)
	file := func(generation uint64) []byte {
		data, err := c.encode(&Snapshot{Generation: generation})
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(data)
	}
	newer := file(8)
	binary.BigEndian.PutUint16(newer[len(magic):], Version+6)
	seal(newer)
	damaged := file(7)[:20]
	large := make([]byte, 3<<20)
	copy(large, file(7))
	for _, test := range []struct {
		name             string
		newest, previous []byte
		origin           Origin
		generation       uint64
		damage, err      string
	}{
		{"nothing", nil, nil, Fresh, 0, "", ""},
		{"both", file(7), file(6), Newest, 7, "", ""},
		{"first commit", file(1), nil, Newest, 1, "", ""},
		{"only the previous", nil, file(6), Previous, 6, "/state is missing", ""},
		{"damaged newest", damaged, file(6), Previous, 6, "/state is damaged: it has 20 bytes, and a header alone has 30", ""},
		{"too large", large, file(6), Previous, 6, "/state is damaged: ", ""},
		{"empty newest", []byte{}, file(6), Previous, 6, "/state is damaged: it has 0 bytes", ""},
		{"damaged previous", file(7), damaged, Newest, 7, "", ""},
		{"both damaged", damaged, damaged[:9], Fresh, 0, "",
			"/state is damaged: it has 20 bytes, and a header alone has 30; DIR/state.1 is damaged: it has 9 bytes, and a header alone has 30. To start from zero, move both files away"},
		{"damaged alone", damaged, nil, Fresh, 0, "", "DIR/state.1 is missing. To start from zero"},
		{"damaged previous alone", nil, damaged, Fresh, 0, "", "/state is missing; DIR/state.1 is damaged"},
		{"newer", newer, file(6), Fresh, 0, "", fmt.Sprintf("DIR/state has version %d, and this program knows versions up to %d. Run the newer program", Version+6, Version)},
		{"newer behind a damaged one", damaged, newer, Fresh, 0, "", "DIR/state.1 has version"},
		{"damaged newer", newer[:len(newer)-1], file(6), Previous, 6, "/state is damaged", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range map[string][]byte{newestName: test.newest, previousName: test.previous} {
				if data != nil {
					put(t, dir, name, data)
				}
			}
			f := openFile(t, dir)
			f.codec = smallCodec(t)
			s, origin, err := f.Load()
			if test.err != "" {
				if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), dir, "DIR"), test.err) {
					t.Fatalf("error %v", err)
				}
				var version *VersionError
				if strings.HasPrefix(test.name, "newer") != errors.As(err, &version) {
					t.Errorf("error %#v", err)
				}
				if f.Save(&Snapshot{Generation: 9}) == nil {
					t.Error("a state that was not loaded was overwritten")
				}
				return
			}
			if err != nil || origin != test.origin || s.Generation != test.generation {
				t.Fatalf("loaded %v, %v, %v", s, origin, err)
			}
			if d := f.Damage(); (d != nil) != (origin == Previous) || d != nil && !strings.Contains(d.Error(), test.damage) {
				t.Errorf("damage %v", d)
			}
			if err := f.Save(&Snapshot{Generation: s.Generation + 1}); err != nil {
				t.Fatal(err)
			}
			if s, origin, err := f.Load(); err != nil || origin != Newest || s.Generation != test.generation+1 || f.Damage() != nil {
				t.Errorf("after the next commit: %v, %v, %v", s, origin, err)
			}
		})
	}
}

// toldDisk tells which directories were made and which made durable.
type toldDisk struct {
	osDisk
	told []string
}

func (d *toldDisk) Mkdir(name string) error {
	err := d.osDisk.Mkdir(name)
	if err == nil {
		d.told = append(d.told, "mkdir "+name)
	}
	return err
}

func (d *toldDisk) SyncDir(name string) error {
	d.told = append(d.told, "sync "+name)
	return d.osDisk.SyncDir(name)
}

// TestMadeDirectoriesAreDurable makes two: each is a name in the one above it.
func TestMadeDirectoriesAreDurable(t *testing.T) {
	above := t.TempDir()
	a, b := filepath.Join(above, "a"), filepath.Join(above, "a", "b")
	d := &toldDisk{}
	for range 2 { // the second time there is nothing to do
		if err := (&File{disk: d}).makeDir(b); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"mkdir " + a, "sync " + above, "mkdir " + b, "sync " + a}, d.told); diff != "" {
		t.Error(diff)
	}
}

func TestSaveBeforeLoad(t *testing.T) {
	if err := openFile(t, t.TempDir()).Save(&Snapshot{}); err == nil {
		t.Error("a state nobody has looked at was overwritten")
	}
}

// TestTakenAway removes the files under a running process: it writes them anew.
func TestTakenAway(t *testing.T) {
	dir := t.TempDir()
	f := loaded(t, dir)
	for n := range uint64(3) {
		if err := f.Save(&Snapshot{Generation: n + 1}); err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(dir, newestName))
		os.Remove(filepath.Join(dir, previousName))
	}
}

// TestRemedies reads what the sentences say.
func TestRemedies(t *testing.T) {
	for _, test := range []struct {
		op   string
		err  error
		want string
	}{
		{"write", syscall.ENOSPC, "Free space there; what was saved last is kept"},
		{"create", syscall.EDQUOT, "Free space there"},
		{"create", syscall.EROFS, "Make it writable for user"},
		{"create", syscall.EACCES, "set --state.path to another directory"},
		{"sync", syscall.EIO, "see the log of the kernel"},
		{"rename", syscall.ESTALE, "a directory on a local disk"},
	} {
		d := newFrailDisk()
		r := newRun(t, d)
		d.fault = refusing(test.op, test.err)
		err := r.file.Save(&Snapshot{Generation: 1})
		if err == nil || !strings.HasPrefix(err.Error(), "cannot write the state in /state: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.err, err)
		}
		if !errors.Is(err, test.err) {
			t.Errorf("%s is not told", test.err)
		}
	}
	for op, want := range map[string]string{
		"open":    "cannot read /state/state: ",
		"sync":    "cannot read /state/state: ",
		"syncdir": "cannot make durable the state in /state: ",
	} {
		d := newFrailDisk()
		r := newRun(t, d)
		if err := r.file.Save(&Snapshot{Generation: 1}); err != nil {
			t.Fatal(err)
		}
		d.fault = refusing(op, syscall.EIO)
		_, _, err := r.file.Load()
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "see the log of the kernel") {
			t.Errorf("%s: %v", op, err)
		}
		if r.file.Save(&Snapshot{Generation: 2}) == nil {
			t.Errorf("%s: a state that could not be loaded was overwritten", op)
		}
	}
	plain := filepath.Join(t.TempDir(), "plain")
	put(t, filepath.Dir(plain), "plain", nil)
	for _, dir := range []string{plain, filepath.Join(plain, "below")} {
		if _, err := OpenFile(dir); err == nil || !strings.Contains(err.Error(), "Set --state.path to a directory") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// BenchmarkSave saves what 50,000 series take, to a real disk: with an address
// range, a start time and a total that differ in each.
func BenchmarkSave(b *testing.B) {
	const series = 50_000
	f := loaded(b, b.TempDir())
	random := seeded(1)
	totals := make([]uint64, series)
	var raw, written int64
	for n := uint64(1); b.Loop(); n++ {
		b.StopTimer()
		data := make([]byte, 0, 6<<20)
		for i := range totals {
			totals[i] += random.Uint64N(1 << 20)
			data = fmt.Appendf(data, "vpc-%017x/10.%d.%d.0/24/%s/%s", 77, i/12>>8, i/12&255, []string{"ingress", "egress"}[i&1], []string{"accept", "reject"}[i>>1&1])
			data = binary.BigEndian.AppendUint64(data, 1_700_000_000)
			data = binary.BigEndian.AppendUint64(data, totals[i])
			data = append(data, make([]byte, 30)...)
		}
		s := &Snapshot{Generation: n, Sections: []SectionState{{"traffic", data}}}
		b.StartTimer()
		if err := f.Save(s); err != nil {
			b.Fatal(err)
		}
		raw, written = int64(len(f.codec.raw)), int64(len(f.codec.out))
	}
	b.SetBytes(raw)
	b.ReportMetric(float64(raw), "raw-bytes")
	b.ReportMetric(float64(written), "file-bytes")
}
