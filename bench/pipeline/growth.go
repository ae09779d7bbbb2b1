package main

import (
	"encoding/json"
	"math"
	"os"

	"github.com/flowlog-exporter/flowlog-exporter/bench/measure"
	"github.com/flowlog-exporter/flowlog-exporter/bench/way"
)

// step is what the records from the step before up to this one cost.
type step struct {
	Records uint64  `json:"records"` // since the start
	Nanos   float64 `json:"cpu_ns_per_record"`
	PeakRSS uint64  `json:"max_rss_bytes"` // up to here
}

// grow reads the corpus over and over on one core, from a state that knows
// nothing, and prints a JSON object at every half power of ten.
func (in *input) grow(top uint64) error {
	defer measure.On(1)()
	w := way.NewAged(in.Subnets, in.Formats, 0)
	out := json.NewEncoder(os.Stdout)
	var before uint64
	cpu := measure.CPU()
	for power := 5.0; ; power += 0.5 {
		goal := min(uint64(math.Pow(10, power)), top)
		if err := in.until(w, goal); err != nil {
			return err
		}
		read, now := w.Accounts.Sum().Records, measure.CPU()
		s := step{read, float64(now-cpu) / float64(read-before), measure.PeakRSS()}
		if err := out.Encode(s); err != nil || goal >= top {
			return err
		}
		before, cpu = read, now
	}
}

// until takes bodies through until so many records were read.
func (in *input) until(w *way.Way, records uint64) error {
	for i := in.next; ; i = (i + 1) % len(in.Bodies) {
		if w.Accounts.Sum().Records >= records {
			in.next = i
			return nil
		}
		if i == 0 {
			w.Begin()
		}
		if err := w.Handle(in.Places[i], in.Bodies[i]); err != nil {
			return err
		}
	}
}
