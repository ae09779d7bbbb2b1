package main

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/bench/measure"
	"github.com/flowlog-exporter/flowlog-exporter/bench/reference"
	"github.com/flowlog-exporter/flowlog-exporter/bench/way"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// line is one line of a table of results.
type line struct {
	Name string
	// Rate is records per second: of CPU time, or by the clock on two cores.
	Rate float64
	// Times is the rate divided by that of the first line, round by round.
	Times      float64
	Allocs     float64 // per record
	AllocBytes float64 // per run
	clock      bool
}

// The rows that others are compared with, in the order of rows.
const (
	rowV2 = iota
	rowTwo
	rowKlauspost
	rowKlauspostTwo
	rowStandard
	rowReference
	rowV5
	rowS3V2
	rowS3V5
	row5k
	row50k
	rowParquetV2
	rowParquetV5
)

// table measures the way in process, all rows interleaved.
func (s *settings) table(r *results) error {
	b := &bench{dir: s.dir}
	rows, err := b.rows()
	if err != nil {
		return err
	}
	samples, err := measure.Rounds(s.rounds, rows)
	if err != nil {
		return err
	}
	for i, row := range rows {
		l := line{Name: row.Name, clock: row.Cores > 1}
		rate := func(row measure.Row, s measure.Sample) float64 {
			if l.clock {
				return float64(row.Records) / s.Wall.Seconds()
			}
			return float64(row.Records) / s.CPU.Seconds()
		}
		l.Rate = measure.Of(samples[i], func(s measure.Sample) float64 { return rate(row, s) })
		l.Times = measure.Ratio(samples[i], samples[rowV2], func(a, b measure.Sample) float64 { return rate(row, a) / rate(rows[rowV2], b) })
		l.Allocs = measure.Of(samples[i], func(s measure.Sample) float64 { return float64(s.Allocs) }) / float64(row.Records)
		l.AllocBytes = measure.Of(samples[i], func(s measure.Sample) float64 { return float64(s.AllocBytes) })
		r.Table = append(r.Table, l)
	}
	r.BodiesPerRecord = float64(b.bodies) / float64(b.records)
	r.TwoCoreCost = measure.Ratio(samples[rowTwo], samples[rowV2], func(two, one measure.Sample) float64 {
		return two.CPU.Seconds() / one.CPU.Seconds() / twoPasses
	})
	r.KlauspostTwo = measure.Ratio(samples[rowKlauspost], samples[rowKlauspostTwo], func(one, two measure.Sample) float64 {
		return one.Wall.Seconds() / two.Wall.Seconds() * twoPasses
	})
	return nil
}

// twoPasses is how often a run on two cores reads the corpus, so that beginning
// and ending together are a small part of it.
const twoPasses = 3

// bench makes the rows of the table.
type bench struct {
	dir             string
	bodies, records int // of a pass over the default format
}

func (b *bench) rows() ([]measure.Row, error) {
	v2, err := way.Load(b.dir, corpus.KinesisV2)
	if err != nil {
		return nil, err
	}
	v5, err := way.Load(b.dir, corpus.KinesisV5)
	if err != nil {
		return nil, err
	}
	b.bodies = len(v2.Bodies)
	counter := reference.New(v2.Prefixes())
	standard := reference.Standard()
	if b.records, err = recordsOf(v2); err != nil {
		return nil, err
	}
	recordsV5, err := recordsOf(v5)
	if err != nil {
		return nil, err
	}
	rows := []measure.Row{
		rowV2:        passes("14 fields, Kinesis", v2, v2.Subnets, b.records, 1),
		rowTwo:       repeated(twoPasses, passes("the same, two cores (by the clock)", v2, v2.Subnets, b.records, 2)),
		rowStandard:  each("compress/gzip: inflating alone", v2, func(data []byte) error { _, err := standard.Inflate(data); return err }),
		rowReference: each("straightforward counter", v2, counter.Count),
		rowV5:        passes("29 fields, Kinesis", v5, v5.Subnets, recordsV5, 1),
		row5k:        passes("14 fields, 5,000 subnets", v2, way.Book(way.Split(v2.Prefixes(), 5000)), b.records, 1),
		rowParquetV5: {}, // read below, as the other objects are
		row50k:       passes("14 fields, 50,000 subnets", v2, way.Book(way.Split(v2.Prefixes(), 50000)), b.records, 1),
	}
	rows[rowKlauspost] = inflating("klauspost/compress: inflating alone", v2, b.records, 1)
	rows[rowKlauspostTwo] = repeated(twoPasses, inflating("the same, two cores (by the clock)", v2, b.records, 2))
	for row, object := range map[int][2]string{
		rowS3V2: {"14 fields, S3 object streamed", corpus.S3V2}, rowS3V5: {"29 fields, S3 object streamed", corpus.S3V5},
		rowParquetV2: {"14 fields, Parquet object", corpus.ParquetV2}, rowParquetV5: {"29 fields, Parquet object", corpus.ParquetV5},
	} {
		if rows[row], err = stream(object[0], filepath.Join(b.dir, object[1]), v2.Subnets); err != nil {
			return nil, err
		}
	}
	for i := range rows {
		if rows[i].Records == 0 { // of those that do not count themselves
			rows[i].Records = b.records
		}
	}
	return rows, nil
}

// recordsOf counts the records of one pass.
func recordsOf(in *way.Input) (int, error) {
	w := way.New(in.Subnets, in.Formats)
	err := in.Pass(w, 1)
	return int(w.Accounts.Sum().Records), err
}

// passes reads a corpus through a way of its own.
func passes(name string, in *way.Input, subnets []flow.Subnet, records, cores int) measure.Row {
	w := way.New(subnets, in.Formats)
	return measure.Row{Name: name, Cores: cores, Records: records, Run: func() error { return in.Pass(w, cores) }}
}

// each does something else with every body.
func each(name string, in *way.Input, do func([]byte) error) measure.Row {
	return measure.Row{Name: name, Run: func() error {
		for _, data := range in.Bodies {
			if err := do(data); err != nil {
				return err
			}
		}
		return nil
	}}
}

// inflating is klauspost inflating every body, on so many cores at once.
func inflating(name string, in *way.Input, records, cores int) measure.Row {
	inflaters := make(chan *reference.Inflater, cores)
	for range cores {
		inflaters <- reference.Klauspost()
	}
	inflate := func(i int) error {
		own := <-inflaters
		_, err := own.Inflate(in.Bodies[i])
		inflaters <- own
		return err
	}
	return measure.Row{Name: name, Cores: cores, Records: records, Run: func() error { return way.Each(0, len(in.Bodies), cores, inflate) }}
}

// repeated does in one run what a row does in so many.
func repeated(times int, row measure.Row) measure.Row {
	once := row.Run
	row.Records *= times
	row.Run = func() error {
		for range times {
			if err := once(); err != nil {
				return err
			}
		}
		return nil
	}
	return row
}

// stream reads an S3 object as a stream, or anywhere, as it needs.
func stream(name, file string, subnets []flow.Subnet) (measure.Row, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return measure.Row{}, err
	}
	formats, err := way.Formats(file) // the header line overrides it
	if err != nil {
		return measure.Row{}, err
	}
	w := way.New(subnets, formats)
	run := func() error {
		return w.Pipeline.Handle(context.Background(), flow.Body{Source: way.Source, Stream: bytes.NewReader(data)})
	}
	err = run()
	return measure.Row{Name: name, Records: int(w.Accounts.Sum().Records), Run: run}, err
}

// prefixes returns the ranges of the corpus, cut until there are n.
func (s *settings) prefixes(n int) ([]netip.Prefix, error) {
	subnets, err := way.Subnets(s.dir)
	if err != nil {
		return nil, err
	}
	in := way.Input{Subnets: subnets}
	return way.Split(in.Prefixes(), n), nil
}
