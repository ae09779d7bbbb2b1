package denylog

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tearing takes a number of bytes, then fails until it is mended.
type tearing struct {
	bytes.Buffer
	left   int
	mended bool
}

var errFull = errors.New("no space left on device")

func (w *tearing) Write(p []byte) (int, error) {
	if w.mended || len(p) <= w.left {
		w.left -= len(p)
		return w.Buffer.Write(p)
	}
	n, _ := w.Buffer.Write(p[:w.left])
	w.left = 0
	return n, errFull
}

// TestTornLine tears the output at every byte of a batch. The torn line is
// completed before the next, the lines behind it are lost, and the count of the
// loss is exact.
func TestTornLine(t *testing.T) {
	r := refused()
	size := len(formJSON.record(nil, "file", &r)) + 1
	for left := range 3*size + 1 {
		synctest.Test(t, func(t *testing.T) {
			var logged strings.Builder
			out := &tearing{left: left}
			l := start(t, Options{Stdout: out, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
			l.Observe("file", batch(3))
			synctest.Wait()
			out.mended = true
			l.Observe("file", batch(2))
			if err := l.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			lost := uint64(3 - (left+size-1)/size)
			lines, _ := told(t, out.Bytes())
			if c, _ := l.snapshot(); c.dropped[reasonWrite] != lost || lines != 5-lost {
				t.Errorf("torn at byte %d: counted %d lost, wrote %d lines, want %d lost", left, c.dropped[reasonWrite], lines, lost)
			}
			if fails := strings.Count(logged.String(), "level=ERROR"); left < 3*size && fails != 1 {
				t.Errorf("torn at byte %d: the failure was logged %d times", left, fails)
			}
		})
	}
}

// TestTornForGood: a line that stays torn at the close is a lost line, and Close
// says why.
func TestTornForGood(t *testing.T) {
	out := &tearing{left: 10}
	l := start(t, Options{Stdout: out})
	l.Observe("file", batch(3))
	if err := l.Close(t.Context()); !errors.Is(err, errFull) {
		t.Errorf("Close returned %v", err)
	}
	if c, waiting := l.snapshot(); c.dropped[reasonWrite] != 3 || waiting != 0 {
		t.Errorf("got %+v, %d waiting", c, waiting)
	}
}

// TestTornSummary tears the output at every byte of a summary: no suppressed
// line is told twice or never.
func TestTornSummary(t *testing.T) {
	r := refused()
	size := len(formJSON.record(nil, "file", &r)) + 1
	for left := range 90 {
		synctest.Test(t, func(t *testing.T) {
			out := &tearing{left: size + left}
			l := start(t, Options{Stdout: out, Rate: 1})
			l.Observe("file", batch(20))
			time.Sleep(summaryDelay)
			synctest.Wait()
			out.mended = true
			l.Observe("file", batch(2))
			if err := l.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if lines, suppressed := told(t, out.Bytes()); lines != 2 || suppressed != 20 {
				t.Errorf("torn at byte %d: %d lines, %d told suppressed", left, lines, suppressed)
			}
		})
	}
}
