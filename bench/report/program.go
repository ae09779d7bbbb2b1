package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/bench/exporter"
	"github.com/flowlog-exporter/flowlog-exporter/bench/measure"
	"github.com/flowlog-exporter/flowlog-exporter/bench/way"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/ledger"
)

// How many subnets have about so many series, at 13 each.
const (
	subnets50kSeries = 3850
	subnets5kSeries  = 385 // fewer than the corpus has: cut from its list
)

// program measures the real program from outside, without AWS.
func (s *settings) program(r *results) error {
	empty := filepath.Join(s.dir, "empty.log")
	if err := os.WriteFile(empty, []byte(corpus.FieldsV2+"\n"), 0o600); err != nil {
		return err
	}
	few, many := filepath.Join(s.dir, "series-5k.txt"), filepath.Join(s.dir, "series-50k.txt")
	list, err := s.prefixes(subnets50kSeries)
	if err != nil {
		return err
	}
	for file, n := range map[string]int{few: subnets5kSeries, many: subnets50kSeries} {
		if err := exporter.WriteSubnets(file, list[:n]); err != nil {
			return err
		}
	}
	rounds, scrapes, idle := 5, 40, 20*time.Second
	if s.quick {
		rounds, scrapes, idle = 2, 20, 5*time.Second
	}
	if r.FewSeries, err = exporter.Scrapes(s.exporter(), empty, few, rounds, scrapes); err != nil {
		return err
	}
	if r.ManySeries, err = exporter.Scrapes(s.exporter(), empty, many, rounds, scrapes); err != nil {
		return err
	}
	bodies, err := s.bodies(100)
	if err != nil {
		return err
	}
	if r.Commit, err = exporter.Commit(s.exporter(), many, bodies, idle/2); err != nil {
		return err
	}
	subnets := filepath.Join(s.dir, corpus.Subnets)
	if r.Start, err = exporter.Starts(s.exporter(), empty, subnets, "", 2*rounds+1); err != nil {
		return err
	}
	if err := s.restore(r, empty, rounds); err != nil {
		return err
	}
	r.Idle, err = exporter.Idle(s.exporter(), subnets, 8, idle)
	return err
}

// A state of about 0.6 MB: most of it are deliveries, which do not compress.
const (
	stateSubnets    = 5000
	stateDeliveries = 1 << 15
)

// restore measures how long it takes to take over a state, in process and as
// what the real program needs longer for its start.
func (s *settings) restore(r *results, empty string, rounds int) error {
	dir, err := os.MkdirTemp(s.dir, "state")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	subnets := filepath.Join(s.dir, "subnets-state.txt")
	if err := s.writeSubnets(subnets, stateSubnets); err != nil {
		return err
	}
	w, err := s.counted()
	if err != nil {
		return err
	}
	file, err := ledger.OpenFile(dir)
	if err != nil {
		return err
	}
	w.Ledger.Store = file
	if _, _, err := file.Load(); err != nil { // of a new state, as the program does
		return err
	}
	if err := w.Ledger.Change(func() {}); err != nil {
		return err
	}
	var took []time.Duration
	for range 2*rounds + 1 {
		begun := time.Now()
		snapshot, _, err := file.Load()
		if err == nil {
			err = w.Ledger.Restore(snapshot, false)
		}
		if err != nil {
			return err
		}
		took = append(took, time.Since(begun))
	}
	r.Restore = measure.Median(took)
	if err := file.Close(); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			r.StateBytes = max(r.StateBytes, info.Size())
		}
	}
	if r.StartState, err = exporter.Starts(s.exporter(), empty, subnets, dir, 2*rounds+1); err != nil {
		return err
	}
	r.StartStateless, err = exporter.Starts(s.exporter(), empty, subnets, "", 2*rounds+1)
	return err
}

// counted returns a way whose subnets have all counted something, so that no
// number of the state is short for being 0.
func (s *settings) counted() (*way.Way, error) {
	in, err := way.Load(s.dir, corpus.KinesisV2)
	if err != nil {
		return nil, err
	}
	list, err := s.prefixes(stateSubnets)
	if err != nil {
		return nil, err
	}
	w := way.NewAged(way.Book(list), in.Formats, stateDeliveries)
	tally := w.Totals.Tally()
	for _, row := range w.Totals.Rows() {
		for kind := range 4 {
			tally.Observe([]flow.Record{{
				Subnet: row.Subnet, Direction: flow.Ingress + flow.Direction(kind%2), Action: flow.Accept + flow.Action(kind/2),
				Packets: 1 << 30, Bytes: 1 << 40,
			}})
		}
	}
	tally.Apply()
	return w, in.Pass(w, 1)
}
