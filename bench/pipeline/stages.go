package main

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/bench/measure"
	"github.com/flowlog-exporter/flowlog-exporter/bench/way"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/inflate"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// stage is a part of the way. It takes the body of a number.
type stage struct {
	name string
	take func(i int) error
}

// cost is what a stage takes.
type cost struct {
	Stage string  `json:"stage"`
	Nanos float64 `json:"nanoseconds_per_record"`
}

// costs are those of all stages.
type costs []cost

func (list costs) print(to io.Writer) {
	for _, c := range list {
		fmt.Fprintf(to, "%-22s %6.1f ns a record\n", c.Stage, c.Nanos)
	}
}

// costs measures each stage on one core, and how the whole way goes on two: of
// each piece of work the fastest of several passes, so that what else the
// machine does hardly shows. Each stage includes those before it, but for
// klauspost's inflating.
func (in *input) costs(passes int) (list costs, err error) {
	stages := in.stages()
	fastest, err := in.apart(stages, passes)
	if err != nil {
		return nil, err
	}
	for i, s := range stages {
		list = append(list, in.cost(s.name, fastest[i]))
	}
	if runtime.NumCPU() > 1 {
		one, two, err := in.together(4 * passes) // both cores are undisturbed less often than one
		if err != nil {
			return nil, err
		}
		list = append(list, in.cost(way.StageOneCore, one), in.cost(way.StageTwoCores, two))
	}
	return list, nil
}

func (in *input) cost(name string, work least) cost {
	var sum time.Duration
	for _, d := range work {
		sum += d
	}
	return cost{name, float64(sum) / float64(in.records)}
}

// least are the shortest times that pieces of work took.
type least []time.Duration

func (l least) note(i int, took time.Duration) {
	if l[i] == 0 || took < l[i] {
		l[i] = took
	}
}

// apart takes each body through each stage on one core.
func (in *input) apart(stages []stage, passes int) (fastest []least, err error) {
	defer measure.On(1)()
	for range stages {
		fastest = append(fastest, make(least, len(in.Bodies)))
	}
	for range passes {
		in.one.Begin()
		for i, s := range stages {
			for n := range in.Bodies {
				began := time.Now()
				if err := s.take(n); err != nil {
					return nil, fmt.Errorf("%s: %w", s.name, err)
				}
				fastest[i].note(n, time.Since(began))
			}
		}
	}
	return fastest, nil
}

// together takes stretches of bodies the whole way, on one core and on two.
func (in *input) together(passes int) (one, two least, err error) {
	stretches := (len(in.Bodies) + way.StretchBodies - 1) / way.StretchBodies
	one, two = make(least, stretches), make(least, stretches)
	for range passes {
		if err := in.stretches(in.one, 1, one); err != nil {
			return nil, nil, err
		}
		if err := in.stretches(in.two, 2, two); err != nil {
			return nil, nil, err
		}
	}
	return one, two, nil
}

func (in *input) stretches(w *way.Way, cores int, fastest least) error {
	defer measure.On(cores)()
	w.Begin()
	for i := range fastest {
		began := time.Now()
		if err := in.Stretch(w, i*way.StretchBodies, min((i+1)*way.StretchBodies, len(in.Bodies)), cores); err != nil {
			return err
		}
		fastest.note(i, time.Since(began))
	}
	return nil
}

func (in *input) stages() []stage {
	var (
		own    inflate.Decoder
		text   []byte
		table  = vpc.NewTable(in.Subnets, nil)
		totals = traffic.New()
	)
	totals.SetSubnets(table.Subnets())
	read := func(do func(*flowlog.Block)) func(int) error {
		r := flowlog.NewReader(flowlog.Options{Formats: in.Formats})
		return func(i int) error {
			return r.Read(flow.Body{Data: in.Bodies[i]}, func(b *flowlog.Block) error { do(b); return nil })
		}
	}
	placer := func() *vpc.Placer { return &vpc.Placer{Learner: &vpc.Learner{}} }
	place, count, tally := placer(), placer(), totals.Tally()
	counted := read(func(b *flowlog.Block) { count.Locate(table, b.Records); tally.Observe(b.Records) })
	return []stage{
		{way.StageKlauspost, func(i int) error { _, err := in.inflater.Inflate(in.Bodies[i]); return err }},
		{"inflate", func(i int) (err error) { text, err = own.Gzip(text, in.Bodies[i], 1<<26); return err }},
		{"read", read(func(*flowlog.Block) {})},
		{"place", read(func(b *flowlog.Block) { place.Locate(table, b.Records) })},
		{"count", func(i int) error { err := counted(i); tally.Apply(); return err }},
		{way.StageWhole, func(i int) error { return in.one.Handle(in.Places[i], in.Bodies[i]) }},
	}
}
