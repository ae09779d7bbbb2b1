package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/bench/measure"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/inflate"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// stage is a part of the way. It takes one body.
type stage struct {
	name string
	take func(body []byte) error
}

// cost is what a stage takes.
type cost struct {
	Stage string  `json:"stage"`
	Nanos float64 `json:"nanoseconds_per_record"`
}

// showStages prints what each stage of the way costs.
func (in *input) showStages(passes int, asJSON bool) error {
	if passes < 1 {
		return errors.New("-stages must be at least 1")
	}
	costs, err := in.costs(passes)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(costs)
	}
	for _, c := range costs {
		fmt.Printf("%-20s %6.1f ns a record\n", c.Stage, c.Nanos)
	}
	return nil
}

// costs measures each stage on one core, and the whole way on two: of each body
// the fastest of several passes, so that what else the machine does hardly
// shows. Each stage includes those before it, but for klauspost's inflating.
func (in *input) costs(passes int) (list []cost, err error) {
	stages := in.stages()
	fastest, err := in.apart(stages, passes)
	if err != nil {
		return nil, err
	}
	for i, s := range stages {
		list = append(list, in.cost(s.name, fastest[i]))
	}
	if runtime.NumCPU() > 1 {
		both, err := in.together(passes)
		if err != nil {
			return nil, err
		}
		list = append(list, in.cost("the same, two cores at work", both))
	}
	return list, nil
}

func (in *input) cost(name string, bodies []time.Duration) cost {
	var sum time.Duration
	for _, d := range bodies {
		sum += d
	}
	return cost{name, float64(sum) / float64(in.records)}
}

// apart takes the bodies through each stage on one core, and returns for each
// stage and body the least time of several passes.
func (in *input) apart(stages []stage, passes int) (fastest [][]time.Duration, err error) {
	defer measure.On(1)()
	fastest = make([][]time.Duration, len(stages))
	for range passes {
		in.one.Begin()
		for i, s := range stages {
			if fastest[i], err = s.pass(in.Bodies, fastest[i]); err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return fastest, nil
}

// together takes the bodies the whole way on two cores at once, and returns for
// each the least time of several passes. What is more than on one core alone is
// what the two cost each other.
func (in *input) together(passes int) (fastest []time.Duration, err error) {
	defer measure.On(2)()
	fastest = make([]time.Duration, len(in.Bodies))
	for range passes {
		in.two.Begin()
		err := in.Each(2, func(i int) error {
			began := time.Now()
			err := in.two.Handle(in.Places[i], in.Bodies[i])
			took := time.Since(began)
			if fastest[i] == 0 || took < fastest[i] {
				fastest[i] = took
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return fastest, nil
}

// pass takes all bodies once, and returns for each the least time so far.
func (s *stage) pass(bodies [][]byte, fastest []time.Duration) ([]time.Duration, error) {
	for i, body := range bodies {
		began := time.Now()
		err := s.take(body)
		took := time.Since(began)
		if err != nil {
			return nil, err
		}
		if i == len(fastest) {
			fastest = append(fastest, took)
		}
		fastest[i] = min(fastest[i], took)
	}
	return fastest, nil
}

func (in *input) stages() []stage {
	var (
		own    inflate.Decoder
		text   []byte
		table  = vpc.NewTable(in.Subnets, nil)
		totals = traffic.New()
	)
	totals.SetSubnets(table.Subnets())
	read := func(do func(*flowlog.Block)) func([]byte) error {
		r := flowlog.NewReader(flowlog.Options{Formats: in.Formats})
		return func(body []byte) error {
			return r.Read(flow.Body{Data: body}, func(b *flowlog.Block) error { do(b); return nil })
		}
	}
	placer := func() *vpc.Placer { return &vpc.Placer{Learner: &vpc.Learner{}} }
	place, count, tally := placer(), placer(), totals.Tally()
	counted := read(func(b *flowlog.Block) { count.Locate(table, b.Records); tally.Observe(b.Records) })
	return []stage{
		{"klauspost inflates", func(body []byte) error { _, err := in.inflater.Inflate(body); return err }},
		{"inflate", func(body []byte) (err error) { text, err = own.Gzip(text, body, 1<<26); return err }},
		{"read", read(func(*flowlog.Block) {})},
		{"place", read(func(b *flowlog.Block) { place.Locate(table, b.Records) })},
		{"count", func(body []byte) error { err := counted(body); tally.Apply(); return err }},
		{"the whole way", func(body []byte) error { return in.one.Handle(flow.Place{Partition: "p", Position: "1"}, body) }},
	}
}
