package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/common/promslog"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/pipeline"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
)

// replaySettings are what flags and environment say of a replay alone.
type replaySettings struct {
	file       string // of the result
	resolution time.Duration
	from, to   instant
	parallel   int

	files, objects []string // the paths that are replayed
}

func replayOptions(s *settings) [][]option {
	r := &s.replay
	return [][]option{
		{
			text(&s.output, "output", "summary", "`form` of the result: summary, prom, json or openmetrics").oneOf("summary", "prom", "json", "openmetrics"),
			text(&r.file, "output.file", "", "`file` that the result is written to, instead of standard output"),
			duration(&r.resolution, "resolution", time.Minute, "interval between the samples of openmetrics, by the end of the records"),
			value(&r.from, "from", "count what ended at this `time` or later: a day, or as RFC 3339"),
			value(&r.to, "to", "count what ended before this `time`"),
			number(&r.parallel, "parallel", 0, "files and objects read at the same time; 0 is one for each processor"),
		},
		s.recordOptions(), s.awsOptions(), s.denyOptions(0), s.logOptions(), {s.regionOption()},
	}
}

func settleReplay(s *settings, paths []string) error {
	if len(paths) == 0 {
		return usagef("nothing to replay; name files, folders, globs, s3://BUCKET/PREFIX or - for standard input")
	}
	if reports[s.output] == nil {
		return wrongf("output", " %q is none of summary, prom, json, openmetrics", s.output)
	}
	if err := s.replay.settle(paths); err != nil {
		return err
	}
	if s.output == "openmetrics" && s.replay.file == "" && s.denyOutput == "stdout" {
		return usagef("--output openmetrics and --deny-log.output stdout would mix; give --output.file")
	}
	return s.settleRecords()
}

// settle checks the settings.
func (r *replaySettings) settle(paths []string) error {
	for _, path := range paths {
		if !source.IsS3(path) {
			r.files = append(r.files, path)
			continue
		}
		if err := source.CheckS3(path); err != nil {
			return usagef("nothing to replay; %w", err)
		}
		r.objects = append(r.objects, path)
	}
	switch {
	case r.resolution < time.Second || r.resolution > maxInterval || r.resolution%time.Second != 0:
		return wrongf("resolution", " %v is not whole seconds between 1s and %v", r.resolution, maxInterval)
	case r.parallel < 0 || r.parallel > maxParallel:
		return wrongf("parallel", " %d is not between 0 and %d", r.parallel, maxParallel)
	case !r.to.IsZero() && !r.from.Before(r.to.Time):
		return wrongf("from", " %v is not before --to %v", &r.from, &r.to)
	case r.parallel == 0:
		r.parallel = runtime.GOMAXPROCS(0)
	}
	return nil
}

// maxParallel bounds --parallel: each file in work takes memory.
const maxParallel = 256

// replay counts the flow logs in files and objects and prints what they add up to.
func replay(ctx context.Context, p *program, s *settings, _ []string) error {
	if err := (&source.Files{Paths: s.replay.files}).Check(); err != nil {
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
	e, aws, err := replayEngine(ctx, p, s, log)
	if err != nil {
		return err
	}
	var history *traffic.History
	if s.output == "openmetrics" {
		ctx, history = keepHistory(ctx, e, s)
	}
	context.AfterFunc(ctx, e.deny.Hurry)
	err = s.replayAll(ctx, p, e, aws)
	stop() // from here on a signal ends the process: whoever reads the output may not
	// The lines of the deny log come first: both may go to standard output.
	closed, sum := e.close(context.Background()), e.sum()
	sum.history, sum.unlogged = history, e.deny.Dropped()
	sum.warn(log)
	return errors.Join(s.report(p.stdout, sum), closed, sum.undecoded(), err)
}

// replayAll reads everything that was named.
func (s *settings) replayAll(ctx context.Context, p *program, e *engine, config aws.Config) error {
	bar := newBar(p.stderr)
	defer bar.clear()
	files := source.Files{
		Name: "file", Paths: s.replay.files, Handler: e.pipeline, Parallel: s.replay.parallel, Progress: bar.show, Logger: e.log,
	}
	err := files.Run(ctx)
	if len(s.replay.objects) > 0 && ctx.Err() == nil {
		objects := newBar(p.stderr)
		defer objects.clear()
		archive := source.Archive{
			Name: archived, Paths: s.replay.objects, From: s.replay.from.Time, To: s.replay.to.Time, AWS: config,
			Handler: e.pipeline, Parallel: s.replay.parallel, Progress: objects.show, Logger: e.log,
		}
		err = errors.Join(err, archive.Run(ctx))
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errFull):
		err = errors.Join(err, cause)
	case cause != nil:
		err = errors.Join(err, errors.New("interrupted: the totals are those of the files before"))
	}
	return err
}

// replayEngine reads the subnets once and returns an engine that places by them.
func replayEngine(ctx context.Context, p *program, s *settings, log *slog.Logger) (*engine, aws.Config, error) {
	outside, err := s.connect(ctx, log)
	if err != nil {
		return nil, aws.Config{}, err
	}
	sources := []string{"file"}
	if len(s.replay.objects) > 0 {
		sources = append(sources, archived)
	}
	e, err := newEngine(p, s, log, outside.loader, outside.formats, sources...)
	if err != nil {
		return nil, aws.Config{}, err
	}
	if err := e.book.Load(ctx); ctx.Err() != nil {
		return nil, aws.Config{}, errors.Join(errors.New("interrupted while the subnets were asked for"), e.close(ctx))
	} else if err != nil {
		return nil, aws.Config{}, errors.Join(fmt.Errorf("replay needs the subnets: %w", err), e.close(ctx))
	}
	if span := spanOf(s.replay.from.Time, s.replay.to.Time); span.from > 0 || span.to > 0 {
		whole := e.pipeline.NewReader
		e.pipeline.NewReader = func(known flowlog.Deliveries) pipeline.Reader { return &cut{Reader: whole(known), span: span} }
	}
	return e, outside.aws[archived], nil
}
