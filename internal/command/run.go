package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/common/version"

	"github.com/flowlog-exporter/flowlog-exporter/internal/denylog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
	"github.com/flowlog-exporter/flowlog-exporter/internal/web"
)

func runOptions(s *settings) [][]option {
	return append(s.inputOptions(), s.awsOptions(), s.recordOptions(), s.stateOptions(), s.denyOptions(denylog.DefaultRate),
		s.webOptions(), s.logOptions(), s.healthOptions(), s.configOptions(), s.legacyOptions())
}

func settleRun(s *settings, rest []string) error {
	wrong := []error{stray(rest), s.settle()}
	if len(s.inputs) == 0 && !s.broken {
		wrong = append(wrong, usagef("nothing to read: pass -stream NAME, --s3.queue-url, --firehose.listen, or --file.path; flowlog-exporter demo shows it without AWS"))
	}
	return errors.Join(wrong...)
}

// run reads the inputs and serves metrics until a signal ends it.
func run(ctx context.Context, p *program, s *settings, _ []string) error {
	if s.configCheck {
		return s.effective(p.stdout)
	}
	log, level, err := s.logger(p)
	if err != nil {
		return err
	}
	outside, err := s.connect(ctx, log)
	if err != nil {
		return err
	}
	e, err := newEngine(p, s, log, outside.loader, outside.formats, s.sources()...)
	if err != nil {
		return err
	}
	inputs, err := s.openInputs(outside, e, source.NewMetrics(e.about))
	if err != nil {
		return err
	}
	defer closeInputs(inputs)
	srv := &service{engine: e, settings: s, inputs: inputs}
	srv.reload = newReloader(srv, p, level)
	return srv.run(ctx)
}

// logger returns the log that the settings ask for, and its level.
func (s *settings) logger(p *program) (*slog.Logger, *promslog.Level, error) {
	config, err := s.logConfig(p.stderr)
	if err != nil {
		return nil, nil, err
	}
	log := promslog.New(config)
	log.Info("starting", "version", version.Info())
	return log, config.Level, nil
}

// service is an engine with its inputs and its web server.
type service struct {
	*engine
	settings *settings
	inputs   []*working
	reload   *reloader // nil does without
}

// run serves until a signal or an error of the machine. The order of the end:
// inputs stop and finish what they have in hand, the last commit is made, one more
// scrape is answered, the web server stops, the deny log is written out.
func (s *service) run(ctx context.Context) error {
	server := s.server()
	if err := listening(server); err != nil {
		return err
	}
	if err := s.openState(s.settings); err != nil {
		server.Close()
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	serving, stopServing := context.WithCancel(context.Background())
	defer stopServing()
	go s.watchHangup(serving)

	served := make(chan error, 1)
	go func() { served <- server.Serve(serving) }()

	read := make(chan error, 1)
	go func() { read <- s.read(ctx) }()

	var err error
	select {
	case err = <-read:
	case err = <-served:
		served <- nil
		stop()
		err = errors.Join(err, <-read)
	}
	stop()
	err = errors.Join(err, s.ledger.Commit())
	if err == nil {
		s.awaitScrape(server)
	}
	stopServing()
	closing, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err = errors.Join(err, <-served)
	if lost := s.close(closing); lost != nil {
		// Counting was not touched: no reason to call the stop a failure.
		s.log.Error("the deny log did not end well, lines are lost", "err", lost)
	}
	s.log.Info("stopped")
	return err
}

// requireHealthy ends reading when the exporter is not ready in time.
func (s *service) requireHealthy(ctx context.Context, cancel context.CancelCauseFunc) {
	select {
	case <-time.After(healthGrace):
	case <-ctx.Done():
		return
	}
	var reasons error
	for _, check := range s.readiness() {
		reasons = errors.Join(reasons, check())
	}
	if reasons != nil {
		cancel(fmt.Errorf("%w after %v: %w", errUnhealthy, healthGrace, reasons))
	}
}

// healthGrace is how long --require-healthy waits for AWS: two retries.
const healthGrace = 5 * time.Second

// closeTimeout is how long the last lines of the deny log may take.
const closeTimeout = 3 * time.Second

// read keeps the address book, runs the inputs and commits what they bring,
// until the context or an error ends them.
func (s *service) read(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	context.AfterFunc(ctx, s.refuse)
	running.Go(func() { _ = s.book.Run(ctx) })
	running.Go(func() { s.ledger.Run(ctx, s.settings.commitInterval, s.reload.intervals()) })
	if s.settings.requireHealthy {
		running.Go(func() { s.requireHealthy(ctx, cancel) })
	}
	for _, in := range s.inputs {
		running.Go(func() {
			if err := in.Run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	<-ctx.Done()
	running.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// watchHangup lets a rotated deny log go at SIGHUP, and reads the configuration again.
func (s *service) watchHangup(ctx context.Context) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-hangup:
			if err := s.deny.Reopen(); err != nil {
				s.log.Error("deny log not reopened: the old file stays in use", "err", err)
			}
			_ = s.reload.reload(ctx) // told and counted there
		case <-ctx.Done():
			return
		}
	}
}

func (s *service) server() *web.Server {
	return &web.Server{
		Addresses: s.settings.listen, TelemetryPath: s.settings.telemetryPath,
		ConfigFile: s.settings.webConfigFile, SystemdSocket: s.settings.systemdSocket,
		Committed: s.committed.pages, Gatherer: s.about, Registry: s.about, Logger: s.log, Version: version.Info(),
		Ready: s.readiness(), Reload: s.reload.served(s.settings.lifecycle),
	}
}

// readiness are all reasons for which the exporter may not be ready.
func (s *service) readiness() []web.Check {
	checks := []web.Check{s.book.Ready}
	for _, in := range s.inputs {
		if in.ready != nil {
			checks = append(checks, in.ready)
		}
	}
	return checks
}

// recent is how long ago a scrape may lie for another one to be expected.
const recent = 2 * time.Minute

// awaitScrape lets whoever scrapes see the last totals.
func (s *service) awaitScrape(server *web.Server) {
	wait := s.settings.lastScrapeWait
	if wait <= 0 || !server.ScrapedRecently(recent) {
		return
	}
	await := server.ExpectScrape() // who reads the next line may scrape at once
	s.log.Info("reading stopped, waiting for a last scrape; signal again to stop at once", "at_most", wait)
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	_ = await(ctx) // who does not come has seen enough
}
