// Command pipeline measures the way from a body in memory to the counters: on
// one core and on two, beside what klauspost's gzip takes to inflate the same
// bytes and what a straightforward counter takes for all of it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/bench/measure"
)

func main() {
	dir := flag.String("corpus", "bench/.corpus", "folder of the corpus")
	file := flag.String("file", corpus.KinesisV2, "file of the corpus: "+corpus.KinesisV2+", "+corpus.KinesisV2Clean+" or "+corpus.KinesisV5)
	rounds := flag.Int("rounds", 7, "how often each row is measured")
	asJSON := flag.Bool("json", false, "print JSON")
	profile := flag.String("cpuprofile", "", "write a CPU profile of -passes to this `file`, and measure nothing else")
	only := flag.Int("passes", 0, "read the corpus so many times and measure nothing: for tools that measure from outside")
	stages := flag.Int("stages", 0, "print what each stage of the way costs, each body at its fastest of so many passes, and measure nothing else")
	grow := flag.Uint64("grow", 0, "read so many records from a fresh start, print what they cost on the way, and measure nothing else")
	flag.Parse()
	err := func() error {
		in, err := load(*dir, *file)
		if err != nil {
			return err
		}
		if *grow > 0 {
			return in.grow(*grow)
		}
		if err := in.wire(); err != nil {
			return err
		}
		switch {
		case *profile != "":
			return in.profile(*profile, max(*only, 1))
		case *stages != 0:
			return show(in.costs, *stages, *asJSON)
		case *only > 0:
			return in.through(in.one, *only, 1)
		}
		return show(in.measure, *rounds, *asJSON)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pipeline:", err)
		os.Exit(1)
	}
}

// show measures so often, and prints.
func show[T interface{ print(to io.Writer) }](measure func(times int) (T, error), times int, asJSON bool) error {
	if times < 1 {
		return errors.New("-rounds and -stages must be at least 1")
	}
	result, err := measure(times)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(result)
	}
	result.print(os.Stdout)
	return nil
}

// figures are what was measured. Medians of all rounds; rates of one core are
// by CPU time, those that say wall by the clock.
type figures struct {
	File   string `json:"file"`
	Rounds int    `json:"rounds"`
	// Records and Bodies are those of one pass.
	Records int `json:"records"`
	Bodies  int `json:"bodies"`
	// Go and Cores say where it ran.
	Go    string `json:"go"`
	Cores int    `json:"cores"`

	Rate        float64 `json:"records_per_second"`
	RateWall    float64 `json:"records_per_second_wall"`
	InflateOnly float64 `json:"inflate_only_records_per_second"`
	// Reference is 0 for a format that the reference does not know.
	Reference float64 `json:"reference_records_per_second"`

	// XInflate and XReference are the rate divided by those of the limits,
	// round by round.
	XInflate   float64 `json:"times_inflate_only"`
	XReference float64 `json:"times_reference"`

	Allocs       float64 `json:"allocs_per_record"`
	AllocsBody   float64 `json:"allocs_per_body"`
	AllocatedBPR float64 `json:"allocated_bytes_per_record"`

	// TwoCore is by the clock and 0 on a machine of one core. TwoCoreCost is
	// the CPU time of two cores divided by that of one for the same work:
	// what they cost each other, also while somebody else uses the machine.
	TwoCore     float64 `json:"two_core_speedup"`
	TwoCoreCost float64 `json:"two_core_cpu_cost"`

	// MaxRSS is of a process that does the pipeline alone, with the corpus in
	// memory.
	MaxRSS uint64 `json:"max_rss_bytes"`
}

func (in *input) measure(rounds int) (figures, error) {
	f := figures{
		File: in.File, Rounds: rounds, Records: in.records, Bodies: len(in.Bodies),
		Go: runtime.Version(), Cores: runtime.NumCPU(),
	}
	for range 3 {
		if err := in.Pass(in.one, 1); err != nil {
			return f, err
		}
	}
	f.MaxRSS = measure.PeakRSS()
	rows := in.rows()
	samples, err := measure.Rounds(rounds, rows)
	if err != nil {
		return f, err
	}
	one, two, inflate, ref := samples[rowOne], samples[rowTwo], samples[rowInflate], samples[rowReference]
	rate := func(row int) func(measure.Sample) float64 {
		return func(s measure.Sample) float64 { return float64(rows[row].Records) / s.CPU.Seconds() }
	}
	f.Rate, f.InflateOnly = measure.Of(one, rate(rowOne)), measure.Of(inflate, rate(rowInflate))
	f.RateWall = measure.Of(one, func(s measure.Sample) float64 { return float64(rows[rowOne].Records) / s.Wall.Seconds() })
	times := func(row int) func(a, b measure.Sample) float64 {
		return func(a, b measure.Sample) float64 { return rate(rowOne)(a) / rate(row)(b) }
	}
	f.XInflate = measure.Ratio(one, inflate, times(rowInflate))
	if rows[rowReference].Records > 0 {
		f.Reference, f.XReference = measure.Of(ref, rate(rowReference)), measure.Ratio(one, ref, times(rowReference))
	}
	records := float64(rows[rowOne].Records)
	f.Allocs = measure.Of(one, func(s measure.Sample) float64 { return float64(s.Allocs) }) / records
	f.AllocsBody = f.Allocs * float64(f.Records) / float64(f.Bodies)
	f.AllocatedBPR = measure.Of(one, func(s measure.Sample) float64 { return float64(s.AllocBytes) }) / records
	if f.Cores > 1 {
		f.TwoCore = measure.Ratio(one, two, func(a, b measure.Sample) float64 { return a.Wall.Seconds() / b.Wall.Seconds() })
		f.TwoCoreCost = measure.Ratio(two, one, func(a, b measure.Sample) float64 { return a.CPU.Seconds() / b.CPU.Seconds() })
	}
	return f, nil
}
