package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/bench/exporter"
	"github.com/flowlog-exporter/flowlog-exporter/bench/way"
)

// verdict is a figure beside what it should be.
type verdict struct {
	What, Figure, Target string
	Met                  bool
}

func (v verdict) word() string {
	if v.Met {
		return "met"
	}
	return "missed"
}

func (v verdict) String() string {
	return fmt.Sprintf("%-6s  %-72s %-34s target: %s", v.word(), v.What, v.Figure, v.Target)
}

const mib = 1 << 20

// verdicts are all targets and how they were met.
func (r *results) verdicts() (list []verdict) {
	add := func(what, figure, target string, met bool) { list = append(list, verdict{what, figure, target, met}) }
	t := r.Table
	inverse := func(row int) float64 { return 1 / t[row].Times }
	add("records a second and core", mega(t[rowV2].Rate), "4.0 M, on a quiet machine", t[rowV2].Rate >= 4e6)
	add("against klauspost/compress inflating alone", times(inverse(rowKlauspost)), "1.45x", inverse(rowKlauspost) >= 1.45)
	whole, klauspost := r.undisturbed(way.StageWhole), r.undisturbed(way.StageKlauspost)
	add("records a second and core, each body at its fastest", mega(1e9/whole), "4.0 M, on a quiet machine", 1e9/whole >= 4e6)
	add("the same against klauspost/compress", times(klauspost/whole), "1.45x", klauspost/whole >= 1.45)
	add("against the straightforward counter", times(inverse(rowReference)), "13x", inverse(rowReference) >= 13)
	add("two cores against one", times(t[rowTwo].Times), "1.9x", t[rowTwo].Times >= 1.9)
	if two := r.undisturbed(way.StageTwoCores); two > 0 {
		speedup := r.undisturbed(way.StageOneCore) / two
		add(fmt.Sprintf("the same, each stretch of %d bodies at its fastest", way.StretchBodies), times(speedup), "1.9x", speedup >= 1.9)
	}
	add("allocations a record", fmt.Sprintf("%.5f", t[rowV2].Allocs), "0, to three decimals", t[rowV2].Allocs < 0.0005)
	body := t[rowV2].Allocs / r.BodiesPerRecord
	add("allocations a body", fmt.Sprintf("%.3f", body), "0, to one decimal", body < 0.05)
	add("29 fields against 14", times(t[rowV5].Times), "0.6x", t[rowV5].Times >= 0.6)
	add("S3 object streamed, against Kinesis", times(t[rowS3V2].Times), "1.0x", t[rowS3V2].Times >= 1)
	add("Parquet object of another writer, against Kinesis", times(t[rowParquetV2].Times), "1.0x", t[rowParquetV2].Times >= 1)
	add("the same, 29 fields", times(t[rowParquetV5].Times/t[rowV5].Times), "1.0x", t[rowParquetV5].Times >= t[rowV5].Times)
	stream := t[rowS3V2].AllocBytes
	add("memory of a stream's worker, at most", fmt.Sprintf("%.2f MiB", stream/mib), "2 MiB", stream <= 2*mib)
	slower := inverse(row50k) - 1
	add("50,000 subnets against 510", fmt.Sprintf("%+.0f %% time", 100*slower), "at most +15 %", slower <= 0.15)
	for _, s := range r.ManySeries {
		add(fmt.Sprintf("CPU of a scrape of %d series, %s", s.Series, s.Form), ms(s.CPU.Seconds()), "5 ms", s.CPU.Seconds() <= 0.005)
	}
	grown, more := r.allocGrowth(), r.ManySeries[0].Series-r.FewSeries[0].Series
	add(fmt.Sprintf("more allocations of a scrape with %d more series", more), fmt.Sprintf("%+.0f", grown),
		"none (fewer than 1 in 100 series)", grown < float64(more)/100)
	add("peak memory, 500 subnets, two cores full", fmt.Sprintf("%.1f MiB", r.Loaded.RSS/mib), "64 MiB", r.Loaded.RSS <= 64*mib)
	add("start to first scrape answered", ms(r.Start.Seconds()), "50 ms", r.Start <= 50*time.Millisecond)
	add(fmt.Sprintf("restoring a state of %.2f MB", float64(r.StateBytes)/1e6), ms(r.Restore.Seconds()), "50 ms", r.Restore <= 50*time.Millisecond)
	add(fmt.Sprintf("peak memory, %.2f GB of text replayed", float64(r.Replay.Text)/1e9), fmt.Sprintf("%.1f MiB", float64(r.Replay.RSS)/mib), "96 MiB", r.Replay.RSS <= 96*mib)
	add("idle, 8 shards caught up", fmt.Sprintf("%.2f %% of a core", 100*r.Idle), "0.5 %", r.Idle <= 0.005)
	for _, w := range r.Wire {
		add(fmt.Sprintf("over the wire format of Kinesis, %d records an answer, against in process", w.PageBodies),
			fmt.Sprintf("%.0f %%", 100*w.Share()), "80 %", w.Share() >= 0.8)
	}
	return list
}

// allocGrowth is how many allocations more the form takes that grows most.
func (r *results) allocGrowth() (most float64) {
	for _, many := range r.ManySeries {
		i := slices.IndexFunc(r.FewSeries, func(s exporter.Scraped) bool { return s.Form == many.Form })
		most = max(most, many.Allocs-r.FewSeries[i].Allocs)
	}
	return most
}

func mega(rate float64) string  { return fmt.Sprintf("%.2f M (%.0f ns)", rate/1e6, 1e9/rate) }
func times(x float64) string    { return fmt.Sprintf("%.2fx", x) }
func ms(seconds float64) string { return fmt.Sprintf("%.1f ms", 1000*seconds) }
