package pipeline

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
)

// quiet is how long no other body that was set aside is spoken of.
const quiet = 10 * time.Second

// aside tells of bodies that were set aside, one per 10 seconds.
type aside struct {
	mu    sync.Mutex
	next  time.Time
	count int // since the last line
}

// due counts one more, and reports whether it may be told; then of how many.
func (a *aside) due() (count int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count++
	now := time.Now()
	if now.Before(a.next) {
		return 0, false
	}
	count = a.count
	a.count, a.next = 0, now.Add(quiet)
	return count, true
}

// setAside makes of a body that made the decoder panic one failure and nothing
// else. The worker is of no use after it. It is called while panicking.
func (w *worker) setAside(body flow.Body, cause any) {
	w.broken = true
	w.deliveries.Discard()
	w.sheet = sheet{}
	w.sheet.failures[flow.Panicked] = 1
	count, ok := w.pipeline.aside.due()
	if !ok || w.pipeline.Logger == nil {
		return
	}
	attrs := []any{
		"panic", flowlog.Printable(fmt.Sprint(cause)), "at", culprit(), "messages", count,
		"source", body.Source, "partition", flowlog.Printable(body.Place.Partition), "position", flowlog.Printable(body.Place.Position),
	}
	if body.Stream == nil {
		attrs = append(attrs, flowlog.Sample(body.Data)...)
	}
	w.pipeline.Logger.Error("a message made the decoder panic; it is set aside, nothing of it counts; please report it", attrs...)
}

// culprit returns the function and line that panicked.
func culprit() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for panicking := false; ; {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(frame.Function, "runtime."):
			return fmt.Sprintf("%s:%d", frame.Function, frame.Line)
		}
		if !more {
			return "unknown"
		}
	}
}
