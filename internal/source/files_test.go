package source

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// reader is a handler that reads each file and keeps what it holds.
type reader struct{ got []string }

// Handle implements Handler.
func (r *reader) Handle(_ context.Context, b flow.Body) error {
	text, err := io.ReadAll(b.Stream)
	if err != nil {
		return err
	}
	r.got = append(r.got, string(text))
	return nil
}

func write(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "b.log", "a.log", "[x].log", "c.txt")
	into := &reader{}
	var done, total int64
	f := &Files{
		Name: "file", Handler: into, Progress: func(d, of int64) { done, total = d, of },
		Paths: []string{filepath.Join(dir, "c.txt"), filepath.Join(dir, "[x].log"), filepath.Join(dir, "?.log")},
	}
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"c.txt", "[x].log", "a.log", "b.log"}; !slices.Equal(into.got, want) {
		t.Errorf("got %q, want %q", into.got, want)
	}
	if done != total || done != 22 {
		t.Errorf("progress %d of %d, want 22 of 22", done, total)
	}
}

func TestFilesGoOnBehindOneThatFails(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.log")
	socket := filepath.Join(dir, "socket") // which can't be opened, whoever asks
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	into := &reader{}
	err = (&Files{Name: "file", Handler: into, Paths: []string{socket, filepath.Join(dir, "a.log")}}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), socket) || len(into.got) != 1 {
		t.Errorf("got %q and %v", into.got, err)
	}
}

func TestFilesCheck(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.log")
	for path, ok := range map[string]bool{"a.log": true, "*.log": true, "b.log": false, "*.txt": false, "[": false} {
		if err := (&Files{Paths: []string{filepath.Join(dir, path)}}).Check(); (err == nil) != ok {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A pipe whose other end is silent does not hold up the end, and what was
// read before is left where it is.
func TestFilesStopInASilentPipe(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, silent := range map[string]bool{"unopened": true, "opened": false} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			into := &reader{}
			go func() { ended <- (&Files{Name: "file", Handler: into, Paths: []string{fifo}}).Run(ctx) }()
			if !silent {
				w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer w.Close()
				if _, err := io.WriteString(w, "begin"); err != nil {
					t.Fatal(err)
				}
			}
			cancel()
			select {
			case err := <-ended:
				if err != nil || len(into.got) > 0 {
					t.Errorf("got %q and %v", into.got, err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("still reading")
			}
		})
	}
}

// A pipe is read to its end like a file.
func TestFilesReadAPipe(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("0123456789", 100_000)
	go func() { _ = os.WriteFile(fifo, []byte(text), 0) }()
	into := &reader{}
	if err := (&Files{Name: "file", Handler: into, Paths: []string{fifo}}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(into.got) != 1 || into.got[0] != text {
		t.Errorf("read %d parts", len(into.got))
	}
}

// objectReader reads the end of each file first, where it can.
type objectReader struct{ got []string }

func (r *objectReader) Handle(_ context.Context, b flow.Body) error {
	o, ok := b.Stream.(flow.Object)
	if !ok {
		r.got = append(r.got, "stream")
		return nil
	}
	last := make([]byte, 3)
	for range 3 { // what is read again is not done again
		if _, err := o.ReadAt(last, o.Size()-3); err != nil {
			return err
		}
	}
	r.got = append(r.got, string(last))
	return nil
}

// Regular files may be read from anywhere, pipes may not.
func TestFilesAreObjects(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.log")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	into, most := &objectReader{}, int64(0)
	f := &Files{
		Name: "file", Handler: into, Progress: func(done, _ int64) { most = max(most, done) },
		Paths: []string{filepath.Join(dir, "a.log"), filepath.Join(dir, "pipe")},
	}
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"log", "stream"}; !slices.Equal(into.got, want) || most > 5 {
		t.Errorf("got %q and %d bytes done, want %q and at most 5", into.got, most, want)
	}
}
