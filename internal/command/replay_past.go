package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/pipeline"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
)

// errFull says what to do when a history is too long.
var errFull = fmt.Errorf("the history is too long: it may have %d amounts, one for each interval, subnet and kind of traffic; "+
	"replay it in parts by --from and --to, or with a larger --resolution", traffic.MostHistory)

// keepHistory lets the engine tally by time too, and end ctx when that is too much.
func keepHistory(ctx context.Context, e *engine, s *settings) (context.Context, *traffic.History) {
	ctx, end := context.WithCancelCause(ctx)
	h := traffic.NewHistory(s.replay.resolution, func() { end(errFull) })
	totals := e.pipeline.NewTally
	e.pipeline.NewTally = func() pipeline.Tally { return both{totals(), h.Tally()} }
	return ctx, h
}

// both are two tallies that move together.
type both [2]pipeline.Tally

// Observe implements pipeline.Tally.
func (b both) Observe(records []flow.Record) { b[0].Observe(records); b[1].Observe(records) }

// Apply implements pipeline.Tally.
func (b both) Apply() { b[0].Apply(); b[1].Apply() }

// Discard implements pipeline.Tally.
func (b both) Discard() { b[0].Discard(); b[1].Discard() }

// writeOpenMetrics prints the history.
func writeOpenMetrics(w io.Writer, t totals) error {
	if t.history.Full() {
		return nil // which is an error already
	}
	subnets := make([]*flow.Subnet, len(t.rows))
	for i, r := range t.rows {
		subnets[i] = r.Subnet
	}
	return t.history.WriteOpenMetrics(w, subnets)
}

// report writes the result to a file, or where there is none to standard output.
// A file is there whole or not at all.
func (s *settings) report(stdout io.Writer, t totals) error {
	write := reports[s.output]
	if s.replay.file == "" {
		return write(stdout, t)
	}
	if t.history != nil && t.history.Full() {
		return nil
	}
	aside := s.replay.file + ".part"
	file, err := os.Create(aside)
	if err != nil {
		return fmt.Errorf("--output.file: %w; check that the folder is there and can be written", err)
	}
	if err = errors.Join(write(file, t), file.Close()); err == nil {
		err = os.Rename(aside, s.replay.file)
	}
	if err != nil {
		return fmt.Errorf("--output.file: %w", errors.Join(err, os.Remove(aside)))
	}
	return nil
}
