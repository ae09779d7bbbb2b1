package denylog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// CheckOutput returns the error of an output that does not exist. It opens none.
func CheckOutput(output string) error {
	if output == Off || output == "" {
		return nil
	}
	_, _, err := parseOutput(output)
	return err
}

// parseOutput splits the name of an output into its sink and the path of a file.
func parseOutput(s string) (sink, path string, err error) {
	switch path, isFile := strings.CutPrefix(s, "file:"); {
	case s == "stdout" || s == "stderr":
		return s, "", nil
	case isFile && path != "":
		return "file", path, nil
	}
	return "", "", fmt.Errorf("unknown deny log output %q; possible values are off, stdout, stderr and file:PATH", s)
}

func openOutput(sink, path string, o Options) (*output, error) {
	switch sink {
	case "stdout":
		return stream(o.Stdout, os.Stdout), nil
	case "stderr":
		return stream(o.Stderr, os.Stderr), nil
	}
	return openFile(path)
}

func stream(w io.Writer, standard *os.File) *output {
	if w == nil {
		w = standard
	}
	return &output{w: w}
}

// openFile opens the file for appending and creates it where needed. Opening a
// named pipe that nobody reads fails instead of waiting for a reader.
func openFile(path string) (*output, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o640)
	if errors.Is(err, syscall.ENXIO) {
		return nil, fmt.Errorf("open deny log: %w; start the reader of the pipe first", err)
	}
	if err != nil {
		return nil, fmt.Errorf("open deny log: %w; check that the directory exists and can be written", err)
	}
	out := &output{w: f, closer: f}
	if tornEnd(path) {
		out.rest = append(out.rest, '\n')
	}
	return out, nil
}

// tornEnd reports whether the file ends in the middle of a line, as after a full
// disk. A file that cannot be read counts as whole.
func tornEnd(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return err == nil && last[0] != '\n'
}

// output is where lines go. It keeps lines whole: the end of a line that a failed
// write tore is written before anything else. It belongs to one goroutine.
type output struct {
	w      io.Writer
	closer io.Closer // nil for the standard streams
	rest   []byte    // the end of the torn line
	// suppressed is what the torn line tells, if it is a summary.
	suppressed uint64
}

// write writes p, one or more whole lines, and returns how many bytes of p are
// taken on, always whole lines. A torn line is taken on: its end comes with the
// next write, unless the output is left before.
func (o *output) write(p []byte) (int, error) {
	if err := o.finish(); err != nil {
		return 0, err
	}
	n, err := o.put(p)
	if n == 0 || p[n-1] == '\n' {
		return n, err
	}
	end := n + bytes.IndexByte(p[n:], '\n') + 1
	o.rest, o.suppressed = append(o.rest[:0], p[n:end]...), 0
	return end, err
}

// torn reports whether the last line lacks more than its newline.
func (o *output) torn() bool { return len(o.rest) > 1 }

// finish writes the end of a torn line.
func (o *output) finish() error {
	if len(o.rest) == 0 {
		return nil
	}
	n, err := o.put(o.rest)
	o.rest = append(o.rest[:0], o.rest[n:]...)
	return err
}

// put writes p and holds the writer to its contract: what is short is an error.
func (o *output) put(p []byte) (int, error) {
	n, err := o.w.Write(p)
	n = max(0, min(n, len(p)))
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

func (o *output) close() error {
	if o.closer == nil {
		return nil
	}
	return o.closer.Close()
}
