package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/ledger"
)

func (s *settings) stateOptions() []option {
	return []option{
		text(&s.statePath, "state.path", "", "`directory` that keeps counters and places over restarts; without one they live in memory"),
		duration(&s.commitInterval, "state.commit-interval", 5*time.Second, "how often what was counted is made durable and public").alive(),
	}
}

// openState continues where the state ends. What is kept is the engine's to
// close. Errors name the remedy.
func (e *engine) openState(s *settings) error {
	if s.statePath == "" {
		e.log.Info("counters live in memory: after a restart they begin at 0, and reading begins at --kinesis.start; --state.path keeps both")
		return e.ledger.Commit()
	}
	file, err := ledger.OpenFile(s.statePath)
	if err != nil {
		return err
	}
	e.store, e.ledger.Store = file, file
	snapshot, origin, err := file.Load()
	if err != nil {
		return err
	}
	switch origin {
	case ledger.Fresh:
		e.log.Info("no state yet: counters begin at 0", "path", s.statePath)
		return e.ledger.Change(func() {})
	case ledger.Previous:
		e.log.Error("the newest state is damaged: reading goes on from the generation before it, and all counters begin a new life at 0",
			"generation", snapshot.Generation, "err", file.Damage())
	default:
		e.log.Info("state read", "path", s.statePath, "generation", snapshot.Generation, "places", len(snapshot.Places))
	}
	if err := e.ledger.Restore(snapshot, origin == ledger.Previous); err != nil {
		return fmt.Errorf("the state in %s can't be used: %w; move it away to begin at 0", s.statePath, err)
	}
	return nil
}

// stateMetrics are about the commits, and not committed themselves.
func stateMetrics(reg prometheus.Registerer, l *ledger.Ledger) {
	reg.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "flowlog_checkpoint_last_success_timestamp_seconds", Unit: "seconds", Help: "Time of the last saved checkpoint.",
		}, func() float64 {
			if at := l.Status().LastSuccess; !at.IsZero() {
				return float64(at.UnixMilli()) / 1000
			}
			return 0
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "flowlog_checkpoint_failures_total", Help: "Checkpoints that could not be saved.",
		}, func() float64 { return float64(l.Status().Failures) }),
	)
}

// errStopping says that a body came too late; it is read again after the start.
var errStopping = errors.New("stopping")

// Handle implements source.Handler. It lets a body in as soon as it can be
// placed, for one that comes before the subnets are known would belong to none,
// and as long as what it adds can be committed. While it waits for the subnets,
// the end of ctx ends that.
func (e *engine) Handle(ctx context.Context, body flow.Body) error {
	select {
	case <-e.book.Settled():
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.stopping:
		return errStopping
	}
	if err := e.ledger.Admit(); err != nil {
		return err
	}
	e.working.Do(collectEarly)
	return e.pipeline.Handle(ctx, body)
}

// refuse lets no body wait any more.
func (e *engine) refuse() {
	close(e.stopping)
	e.ledger.Close()
}

// garbage is how much of it may come up before it is collected, in percent of
// what is in use. Flow logs are read with little of it: a third would take 3 MiB
// less under full load and some percent more time, Go's own of 100 % more memory
// and as much time.
const garbage = 50

// collectEarly begins with the first body: a start makes garbage, and is faster
// without.
func collectEarly() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(garbage)
	}
}
