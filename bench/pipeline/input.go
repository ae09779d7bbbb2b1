package main

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/bench/measure"
	"github.com/flowlog-exporter/flowlog-exporter/bench/reference"
	"github.com/flowlog-exporter/flowlog-exporter/bench/way"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// input is a corpus in memory and the ways that read it.
type input struct {
	file     string
	bodies   [][]byte
	places   []flow.Place
	records  int // of one pass
	prefixes []netip.Prefix

	one, two *way.Way // a way holds as many workers as its first body found cores
	counter  *reference.Counter
	unzip    gzip.Reader
	plain    bytes.Buffer
}

func load(dir, file string) (*input, error) {
	in := &input{file: file}
	var err error
	if in.bodies, err = corpus.Bodies(dir, file); err != nil {
		return nil, err
	}
	for i := range in.bodies {
		in.places = append(in.places, flow.Place{Partition: fmt.Sprintf("shardId-%012d", i%8), Position: strconv.Itoa(i)})
	}
	text, err := os.ReadFile(filepath.Join(dir, corpus.Subnets))
	if err != nil {
		return nil, err
	}
	subnets, err := vpc.ParseSubnets(corpus.Subnets, text)
	if err != nil {
		return nil, err
	}
	for _, s := range subnets {
		in.prefixes = append(in.prefixes, s.Prefixes...)
	}
	formats := flowlog.Fixed(flowlog.Default, flowlog.TransitGateway)
	if file == corpus.KinesisV5 {
		format, err := flowlog.ParseFormat(corpus.FieldsV5)
		if err != nil {
			return nil, err
		}
		formats = flowlog.Fixed(format)
	} else {
		in.counter = reference.New(in.prefixes)
	}
	in.one, in.two = way.New(subnets, formats), way.New(subnets, formats)
	if err := in.pass(in.one, 1); err != nil {
		return nil, err
	}
	in.records = int(in.one.Accounts.Sum().Records)
	return in, nil
}

// pass takes the corpus once through a way, by so many goroutines: as many
// shards that never wait.
func (in *input) pass(w *way.Way, shards int) error {
	w.Begin()
	var next atomic.Int64
	var failed atomic.Pointer[error]
	shard := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(in.bodies) {
				return
			}
			if err := w.Handle(in.places[i], in.bodies[i]); err != nil {
				failed.Store(&err)
				return
			}
		}
	}
	var running sync.WaitGroup
	for range shards - 1 {
		running.Go(shard)
	}
	shard()
	running.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// The rows of the table.
const (
	rowOne = iota
	rowTwo
	rowInflate
	rowReference
)

// passes is how often a run of the way reads the corpus: long enough for a
// clock that ticks, and for both cores to share the work evenly.
const passes = 3

func (in *input) rows() []measure.Row {
	through := func(w *way.Way, cores int) func() error {
		return func() error {
			for range passes {
				if err := in.pass(w, cores); err != nil {
					return err
				}
			}
			return nil
		}
	}
	rows := []measure.Row{
		rowOne:       {Name: "pipeline", Records: passes * in.records, Run: through(in.one, 1)},
		rowTwo:       {Name: "pipeline, two cores", Cores: 2, Records: passes * in.records, Run: through(in.two, 2)},
		rowInflate:   {Name: "klauspost inflates", Records: in.records, Run: in.inflate},
		rowReference: {Name: "reference", Run: func() error { return nil }},
	}
	if in.counter != nil {
		rows[rowReference].Records, rows[rowReference].Run = in.records, in.count
	}
	return rows
}

// inflate is what nobody can go without who uses klauspost's gzip.
func (in *input) inflate() error {
	var src bytes.Reader
	for _, body := range in.bodies {
		src.Reset(body)
		if err := in.unzip.Reset(&src); err != nil {
			return err
		}
		in.plain.Reset()
		if _, err := io.Copy(&in.plain, &in.unzip); err != nil {
			return err
		}
	}
	return nil
}

func (in *input) count() error {
	for _, body := range in.bodies {
		if err := in.counter.Count(body); err != nil {
			return err
		}
	}
	return nil
}

// profile writes the CPU profile of so many times a second's work.
func (in *input) profile(file string, rounds int) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	for range 5 * max(rounds, 1) {
		if err := in.pass(in.one, 1); err != nil {
			return err
		}
	}
	pprof.StopCPUProfile()
	return out.Close()
}
