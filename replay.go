package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
)

func replayOptions(s *settings) [][]option {
	return [][]option{s.replayOptions(), s.recordOptions(), s.awsOptions(), s.denyOptions(), s.logOptions(), {s.regionOption()}}
}

func settleReplay(s *settings, paths []string) error {
	if len(paths) == 0 {
		return usagef("nothing to replay; name files, globs or - for standard input")
	}
	if reports[s.output] == nil {
		return usagef("--output %q is none of summary, prom, json", s.output)
	}
	return s.settleRecords()
}

// replay counts the flow logs in files and prints what they add up to.
func replay(ctx context.Context, p *program, s *settings, paths []string) error {
	if err := (&source.Files{Paths: paths}).Check(); err != nil {
		return err // before AWS is asked, and without totals of nothing
	}
	config, err := s.logConfig(p.stderr)
	if err != nil {
		return err
	}
	log := promslog.New(config)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	e, err := replayEngine(ctx, p, s, log)
	if err != nil {
		return err
	}
	bar := newBar(p.stderr)
	files := source.Files{Name: "file", Paths: paths, Handler: e.pipeline, Progress: bar.show, Logger: log}
	err = files.Run(ctx)
	bar.clear()
	if ctx.Err() != nil {
		err = errors.Join(err, errors.New("interrupted: the totals are those of the files before"))
	}
	stop() // from here on a signal ends the process: whoever reads the output may not
	// The lines of the deny log come first: both may go to standard output.
	closed, sum := e.close(context.Background()), e.sum()
	return errors.Join(reports[s.output](p.stdout, sum), closed, sum.undecoded(), err)
}

// replayEngine reads the subnets once and returns an engine that places by them.
func replayEngine(ctx context.Context, p *program, s *settings, log *slog.Logger) (*engine, error) {
	outside, err := s.connect(ctx, log)
	if err != nil {
		return nil, err
	}
	e, err := newEngine(p, s, log, outside.loader, outside.formats, "file")
	if err != nil {
		return nil, err
	}
	if err := e.book.Load(ctx); ctx.Err() != nil {
		return nil, errors.Join(errors.New("interrupted while the subnets were asked for"), e.close(ctx))
	} else if err != nil {
		return nil, errors.Join(fmt.Errorf("replay needs the subnets: %w", err), e.close(ctx))
	}
	return e, nil
}

// bar is a progress bar, shown on a terminal only.
type bar struct {
	w     io.Writer
	shown time.Time
	start time.Time
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
	now := time.Now()
	if b.w == nil || total == 0 || now.Sub(b.shown) < 100*time.Millisecond {
		return
	}
	b.shown = now
	done = min(done, total)
	filled := int(barWidth * done / total)
	fmt.Fprintf(b.w, "\r[%s%s] %3d %%  %d of %d MiB", strings.Repeat("=", filled), strings.Repeat(" ", barWidth-filled),
		100*done/total, done>>20, total>>20)
}

func (b *bar) clear() {
	if b.w != nil && !b.shown.IsZero() {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}
