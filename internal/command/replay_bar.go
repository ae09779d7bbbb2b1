package command

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// bar is a progress bar, shown on a terminal only. It is safe for concurrent use.
type bar struct {
	w io.Writer

	mu    sync.Mutex
	start time.Time
	shown time.Time
}

func newBar(w io.Writer) *bar {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &bar{w: f, start: time.Now()}
		}
	}
	return &bar{}
}

const barWidth = 40

// show draws the bar at most ten times a second.
func (b *bar) show(done, total int64) {
	if b.w == nil || total == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Sub(b.shown) < 100*time.Millisecond {
		return
	}
	b.shown = now
	fmt.Fprint(b.w, "\r", progress(done, total, now.Sub(b.start)), "\x1b[K")
}

// progress is the text of the bar when so much was done in some time.
func progress(done, total int64, took time.Duration) string {
	done = min(done, total)
	filled := int(float64(barWidth) * float64(done) / float64(total))
	text := fmt.Sprintf("[%s%s] %3.0f %%  %d of %d MiB", strings.Repeat("=", filled), strings.Repeat(" ", barWidth-filled),
		float64(100)*float64(done)/float64(total), done>>20, total>>20)
	if took < time.Second || done == 0 {
		return text // too early for an estimate
	}
	rate := float64(done) / took.Seconds()
	left := time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%s  %.1f MiB/s, %v left", text, rate/(1<<20), left)
}

func (b *bar) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.w != nil && !b.shown.IsZero() {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}
