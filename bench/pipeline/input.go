package main

import (
	"os"
	"runtime/pprof"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/bench/measure"
	"github.com/flowlog-exporter/flowlog-exporter/bench/reference"
	"github.com/flowlog-exporter/flowlog-exporter/bench/way"
)

// input is a corpus in memory and the ways that read it.
type input struct {
	*way.Input
	records  int      // of one pass
	one, two *way.Way // a way has as many workers as there were cores at its first body
	counter  *reference.Counter
	inflater *reference.Inflater
	next     int // body to grow by
}

func load(dir, file string) (*input, error) {
	bodies, err := way.Load(dir, file)
	if err != nil {
		return nil, err
	}
	in := &input{Input: bodies, inflater: reference.Klauspost()}
	if file != corpus.KinesisV5 {
		in.counter = reference.New(in.Prefixes())
	}
	return in, nil
}

// wire makes the ways and lets one read the corpus for the first time, on one
// core, so that it has one worker.
func (in *input) wire() error {
	defer measure.On(1)()
	in.one, in.two = way.New(in.Subnets, in.Formats), way.New(in.Subnets, in.Formats)
	err := in.Pass(in.one, 1)
	in.records = int(in.one.Accounts.Sum().Records)
	return err
}

// The rows of the table.
const (
	rowOne = iota
	rowTwo
	rowInflate
	rowReference
)

// passes is how often a run of the way reads the corpus: long enough for both
// cores to share the work evenly.
const passes = 3

func (in *input) rows() []measure.Row {
	rows := []measure.Row{
		rowOne:       {Name: "pipeline", Records: passes * in.records, Run: func() error { return in.through(in.one, passes, 1) }},
		rowTwo:       {Name: "pipeline, two cores", Cores: 2, Records: passes * in.records, Run: func() error { return in.through(in.two, passes, 2) }},
		rowInflate:   {Name: "klauspost inflates", Records: in.records, Run: in.inflate},
		rowReference: {Name: "reference", Run: func() error { return nil }},
	}
	if in.counter != nil {
		rows[rowReference].Records, rows[rowReference].Run = in.records, in.count
	}
	return rows
}

func (in *input) through(w *way.Way, passes, cores int) error {
	for range passes {
		if err := in.Pass(w, cores); err != nil {
			return err
		}
	}
	return nil
}

func (in *input) inflate() error {
	for _, body := range in.Bodies {
		if _, err := in.inflater.Inflate(body); err != nil {
			return err
		}
	}
	return nil
}

func (in *input) count() error {
	for _, body := range in.Bodies {
		if err := in.counter.Count(body); err != nil {
			return err
		}
	}
	return nil
}

// profile writes the CPU profile of so many passes.
func (in *input) profile(file string, passes int) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	err = in.through(in.one, passes, 1)
	pprof.StopCPUProfile()
	if err != nil {
		return err
	}
	return out.Close()
}
