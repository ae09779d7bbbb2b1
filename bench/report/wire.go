package main

import (
	"fmt"
	"math"
	"path/filepath"
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
	apart        bool      // the program had a core for itself, every time
	nanos, share []float64 // of each round; the share is that of the rate in process
	rss          float64   // the most of all rounds
}

func (w *wired) Nanos() float64 { return measure.Median(w.nanos) }
func (w *wired) Share() float64 { return measure.Median(w.share) }

// How many data records of 4.4 KB an answer has: of a shard that gives the 2 MB
// a second that it gives at most, by five answers; of one that gets the 1 MB that
// it takes at most, and is asked once a second.
const (
	readFull  = 92
	writeFull = 240
)

// wire measures the real program on a processor of its own, beside the way in
// process on the same one.
func (s *settings) wire(r *results) error {
	bodies, err := s.bodies(math.MaxInt)
	if err != nil {
		return err
	}
	in, err := way.Load(s.dir, corpus.KinesisV2)
	if err != nil {
		return err
	}
	records, err := recordsOf(in)
	if err != nil {
		return err
	}
	load := func(pages, pageBodies int) *wired {
		return &wired{apart: true, Load: exporter.Load{
			Shards: fullLoad, Pages: pages, PageBodies: pageBodies, Apart: true, SubnetsFile: filepath.Join(s.dir, corpus.Subnets), Bodies: bodies,
		}}
	}
	r.Wire = []*wired{load(3, readFull), load(1, writeFull)}
	rounds := wireRounds
	if s.quick {
		rounds = 1
	}
	for range rounds {
		for _, w := range r.Wire {
			if err := w.measure(s.exporter(), in, records); err != nil {
				return err
			}
		}
	}
	return nil
}

// wireRounds are more than those of the table: a load takes longer than a row,
// and so a machine that is shared disturbs more of them.
const wireRounds = 21

// measure takes one load and, before and after it, bodies in process, from a
// start that knows nothing but what one pass has told.
func (w *wired) measure(program string, in *way.Input, records int) error {
	fresh := way.NewAged(in.Subnets, in.Formats, 0)
	pass := measure.Row{Records: records, Run: func() error { return in.Pass(fresh, 1) }}
	if _, err := measure.Take(pass); err != nil {
		return err
	}
	passes := repeated(5, pass)
	before, err := measure.Take(passes)
	if err != nil {
		return err
	}
	loaded, err := w.Run(program)
	if err != nil {
		return err
	}
	after, err := measure.Take(passes)
	if err != nil {
		return err
	}
	inProcess := 2 * float64(passes.Records) / (before.CPU + after.CPU).Seconds()
	w.apart = w.apart && loaded.Apart
	w.nanos = append(w.nanos, 1e9/loaded.Rate())
	w.share = append(w.share, loaded.Rate()/inProcess)
	w.rss = max(w.rss, float64(loaded.PeakRSS))
	return nil
}

func (r *results) wiring(b *strings.Builder) {
	b.WriteString("\n## Over the wire format of Kinesis\n\n")
	if r.Wire[0].apart {
		b.WriteString("The real program on a core of its own, and the server on the others; before and after it the way in process on the same core.\n\n")
	} else {
		b.WriteString("The real program and the server share what cores there are; before and after it the way in process.\n\n")
	}
	b.WriteString("| records of 4.4 KB an answer | CPU ns a record | of the rate in process | peak memory |\n|--|--|--|--|\n")
	for _, w := range r.Wire {
		fmt.Fprintf(b, "| %d | %.0f | %.0f %% | %.1f MiB |\n", w.PageBodies, w.Nanos(), 100*w.Share(), w.rss/mib)
	}
	fmt.Fprintf(b, "\nMedians of %d loads. A shard gives 2 MB a second at most, which five answers of %d bring. It takes 1 MB a second: asked once a second, it gives %d records. %d shards wait to be read, each with the\n"+
		"same number of answers, and are asked again as soon as Kinesis allows.\n", len(r.Wire[0].nanos), readFull, writeFull, fullLoad)
}
