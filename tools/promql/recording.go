package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// recording is the samples of scrapes, in memory. It is the storage.Queryable
// that the engine reads from.
type recording struct {
	series      []*storage.SeriesEntry
	first, last int64 // Unix milliseconds
}

// sample is a value at a time.
type sample struct {
	at    int64 // Unix milliseconds
	value float64
}

var _ chunks.Sample = sample{}

func (s sample) ST() int64                     { return 0 }
func (s sample) T() int64                      { return s.at }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// read reads a recording as described at the command.
func read(in io.Reader) (*recording, error) {
	r := &recording{}
	p := parser.NewParser(parser.Options{})
	for lines := json.NewDecoder(in); ; {
		var line struct {
			Series string    `json:"series"`
			Times  []int64   `json:"times"`
			Values []float64 `json:"values"`
		}
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return r, nil
		} else if err != nil {
			return nil, err
		}
		metric, err := p.ParseMetric(line.Series)
		if err != nil {
			return nil, err
		}
		if len(line.Times) == 0 || len(line.Times) != len(line.Values) {
			return nil, fmt.Errorf("%s has %d times and %d values", line.Series, len(line.Times), len(line.Values))
		}
		samples := make([]chunks.Sample, len(line.Times))
		for i, at := range line.Times {
			if i > 0 && at <= line.Times[i-1] {
				return nil, fmt.Errorf("%s: the times do not rise at %d", line.Series, at)
			}
			samples[i] = sample{at, line.Values[i]}
		}
		if len(r.series) == 0 || line.Times[0] < r.first {
			r.first = line.Times[0]
		}
		r.last = max(r.last, line.Times[len(line.Times)-1])
		r.series = append(r.series, storage.NewListSeries(metric, samples))
	}
}

// Querier implements storage.Queryable.
func (r *recording) Querier(int64, int64) (storage.Querier, error) { return querier{recording: r}, nil }

type querier struct {
	storage.LabelQuerier // not asked for by the engine
	*recording
}

// Close implements storage.Querier.
func (querier) Close() error { return nil }

// Select implements storage.Querier.
func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	set := &seriesSet{at: -1}
	for _, s := range q.series {
		if matches(s.Lset, matchers) {
			set.series = append(set.series, s)
		}
	}
	return set
}

func matches(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

type seriesSet struct {
	series []*storage.SeriesEntry
	at     int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
