package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/bench/exporter"
	"github.com/flowlog-exporter/flowlog-exporter/bench/measure"
	"github.com/flowlog-exporter/flowlog-exporter/bench/way"
)

// wired is what a record costs that comes over the wire format of Kinesis, in
// answers of one size.
type wired struct {
	exporter.Load
	nanos, share []float64 // of each round; the share is that of the rate in process
	rss          float64   // the most of all rounds
}

func (w *wired) Nanos() float64 { return measure.Median(w.nanos) }
func (w *wired) Share() float64 { return measure.Median(w.share) }

// fullAnswer is how many data records, of 4.4 KB, an answer has of a shard that
// is written to as fast as it takes, 1 MB a second, and asked once a second.
const fullAnswer = 240

// wire measures the real program on a processor of its own, each time after the
// way in process on the same one.
func (s *settings) wire(r *results) error {
	bodies, err := s.bodies(math.MaxInt)
	if err != nil {
		return err
	}
	in, err := way.Load(s.dir, corpus.KinesisV2)
	if err != nil {
		return err
	}
	subnets := filepath.Join(s.dir, corpus.Subnets)
	load := func(shards, pages, pageBodies int) *wired {
		return &wired{Load: exporter.Load{
			Shards: shards, Pages: pages, PageBodies: pageBodies, Alone: true, SubnetsFile: subnets, Bodies: bodies,
		}}
	}
	r.Wire = []*wired{load(100, 3, 92), load(100, 1, fullAnswer), load(25, 1, 1000)}
	inProcess := thrice(thrice(passes("in process", in, in.Subnets, recordsOf(in), 1)))
	if err := inProcess.Run(); err != nil { // to warm up
		return err
	}
	rounds := s.rounds
	if s.quick {
		rounds = 1
	}
	for range rounds {
		for _, w := range r.Wire {
			sample, err := measure.Take(inProcess)
			if err != nil {
				return err
			}
			loaded, err := w.Run(s.exporter())
			if err != nil {
				return err
			}
			w.nanos = append(w.nanos, 1e9/loaded.Rate())
			w.share = append(w.share, loaded.Rate()/(float64(inProcess.Records)/sample.CPU.Seconds()))
			w.rss = max(w.rss, float64(loaded.PeakRSS))
		}
	}
	return nil
}

// fullWire is the one of full answers.
func (r *results) fullWire() *wired {
	return r.Wire[slices.IndexFunc(r.Wire, func(w *wired) bool { return w.PageBodies == fullAnswer })]
}

func (r *results) wiring(b *strings.Builder) {
	b.WriteString("\n## Over the wire format of Kinesis\n\nThe real program on a core of its own, with the server on the other; each round after the way in process on the same core.\n\n" +
		"| records of 4.4 KB an answer | CPU ns a record | of the rate in process | peak memory |\n|--|--|--|--|\n")
	for _, w := range r.Wire {
		fmt.Fprintf(b, "| %d | %.0f | %.0f %% | %.1f MiB |\n", w.PageBodies, w.Nanos(), 100*w.Share(), w.rss/mib)
	}
	fmt.Fprintf(b, "\nA shard takes 1 MB a second and is asked once a second: %d records. One that is read again from the past gives more.\n", fullAnswer)
}
