package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What stands between these lines of the page is written by hand, and kept.
const (
	handBegins = "<!-- written by hand: begin -->"
	handEnds   = "<!-- written by hand: end -->"
)

const noHand = "\n*Nothing is said about this state yet.*\n"

// write writes the page and its charts. The page is written also when the guard
// is broken, which is an error then.
func (s *settings) write(r *results) error {
	page := filepath.Join(s.docs, "benchmarks.md")
	old, err := os.ReadFile(page)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for name, c := range r.charts() {
		if err := os.WriteFile(filepath.Join(s.docs, "benchmarks-"+name+".svg"), []byte(c.svg()), 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(page, []byte(r.page(byHand(string(old)))), 0o644); err != nil {
		return err
	}
	if r.Instructions.Broken() {
		return fmt.Errorf("%v; mend it, or change that file on purpose", r.Instructions)
	}
	return nil
}

// byHand returns the part of the page that a person wrote.
func byHand(old string) string {
	_, rest, ok := strings.Cut(old, handBegins)
	text, _, closed := strings.Cut(rest, handEnds)
	if !ok || !closed {
		return noHand
	}
	return text
}

func (r *results) page(hand string) string {
	var b strings.Builder
	b.WriteString(`# Benchmarks

How fast the exporter is, beside what bounds it. ` + "`make bench`" + ` measures all of this anew and writes this page; only the part on
[the next 10 %](#what-the-next-10--would-cost) is written by hand. The corpus is made, not captured: figures of other corpora differ, and the ratios less than they.

`)
	if r.Quick {
		b.WriteString("**A quick look with few rounds: no figures to quote.**\n\n")
	}
	fmt.Fprintf(&b, "Measured on %s, source `%s`, %s; load on the machine at the end %s. Medians of %d rounds.\n\n",
		r.Machine, r.Source, time.Now().UTC().Format("2 January 2006"), r.Load, r.Rounds)
	fmt.Fprintf(&b, "Before any figure was taken, %d records in %d files were counted by the product and by the slow oracle (`test/oracle`): all totals are equal.\n\n",
		r.Judged, r.JudgedFiles)
	b.WriteString("## Targets\n\n| | figure | target | |\n|--|--|--|--|\n")
	for _, v := range r.verdicts() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", v.What, v.Figure, v.Target, v.word())
	}
	r.inProcess(&b)
	r.staged(&b)
	r.wiring(&b)
	r.growing(&b)
	r.outside(&b)
	fmt.Fprintf(&b, "\n## Without a clock\n\n%s. 40 envelopes of the corpus, one core, without the start.\n", upper(r.Instructions.String()))
	r.profiled(&b)
	fmt.Fprintf(&b, "\n## What the next 10 %% would cost\n\n%s%s%s\n", handBegins, hand, handEnds)
	b.WriteString(method)
	return b.String()
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func (r *results) inProcess(b *strings.Builder) {
	b.WriteString("\n## In process\n\nFrom a body in memory to the counters, one core unless said; rates are by CPU time.\n\n" +
		"| | records/s | ns a record | of the first line | allocations a record |\n|--|--|--|--|--|\n")
	for _, l := range r.Table {
		fmt.Fprintf(b, "| %s | %.2f M | %.0f | %.2fx | %.5f |\n", l.Name, l.Rate/1e6, 1e9/l.Rate, l.Times, l.Allocs)
	}
	fmt.Fprintf(b, "\nThe same work takes %.2f times the CPU time on two cores that it takes on one. klauspost/compress, which shares no data between them, is %.2f times as fast on two, by the clock.\n"+
		"Streaming an S3 object of 105 MB allocates %.2f MiB in all, so its worker never has more.\n",
		r.TwoCoreCost, r.KlauspostTwo, r.Table[rowS3V2].AllocBytes/mib)
}

func (r *results) growing(b *strings.Builder) {
	b.WriteString("\n## Growth\n\n![CPU time a record and memory, by records](benchmarks-records.svg)\n\n" +
		"![CPU time a record and memory, by shards](benchmarks-shards.svg)\n\n" +
		"![CPU time a record and memory, by subnets](benchmarks-subnets.svg)\n\n" +
		"By records: the way in process, one core, from a start that knows nothing. By shards and by subnets: the real program on two cores, over the wire format of\n" +
		"Kinesis, with a server beside it on the same machine; shards with 500 subnets (the corpus has 510), subnets with 100 shards, each of which gives 2 MB a second.\n\n" +
		"| | CPU ns a record | peak memory | records/s by the clock |\n|--|--|--|--|\n")
	for _, g := range []struct {
		what string
		list []point
	}{{"records", r.ByRecords}, {"shards", r.ByShards}, {"subnets", r.BySubnets}} {
		for _, p := range g.list {
			rate := "-"
			if p.Rate > 0 {
				rate = fmt.Sprintf("%.2f M", p.Rate/1e6)
			}
			fmt.Fprintf(b, "| %s %s | %.0f | %.1f MiB | %s |\n", number64(p.X), g.what, p.Nanos, p.RSS/mib, rate)
		}
	}
}

func (r *results) outside(b *strings.Builder) {
	b.WriteString("\n## The real program\n\n| scrape | series | answer | CPU | allocations |\n|--|--|--|--|--|\n")
	for _, list := range [][2]int{{0, len(r.FewSeries)}, {1, len(r.ManySeries)}} {
		scraped := r.FewSeries
		if list[0] == 1 {
			scraped = r.ManySeries
		}
		for _, s := range scraped {
			fmt.Fprintf(b, "| %s | %d | %.2f MB | %s | %.0f |\n", s.Form, s.Series, float64(s.Bytes)/1e6, ms(s.CPU.Seconds()), s.Allocs)
		}
	}
	fmt.Fprintf(b, "\nScrapes share what a commit has rendered; a commit of %d series, every 5 s by default when there is anything new, takes %s of CPU.\n", r.ManySeries[0].Series, ms(r.Commit.Seconds()))
	fmt.Fprintf(b, "From the start to the first scrape answered: %s with 510 subnets, %s with 5,000, %s with 5,000 and their state of %.2f MB, whose restoring alone takes %s.\n",
		ms(r.Start.Seconds()), ms(r.StartStateless.Seconds()), ms(r.StartState.Seconds()), float64(r.StateBytes)/1e6, ms(r.Restore.Seconds()))
	p := r.Replay
	fmt.Fprintf(b, "Replaying %.2f GB of text in %d objects of gzip takes %.1f MiB at most, before the result is written, and %.0f ns of CPU a record; %.2f M records a second by the clock on %d cores.\n",
		float64(p.Text)/1e9, p.Objects, float64(p.RSS)/mib, float64(p.CPU.Nanoseconds())/float64(p.Records), float64(p.Records)/p.Wall.Seconds()/1e6, p.Cores)
	fmt.Fprintf(b, "With 8 shards that are caught up, it takes %.2f %% of a core.\n", 100*r.Idle)
}

func (r *results) profiled(b *strings.Builder) {
	b.WriteString("\n## Where the time goes\n\nCPU profile of the 14 fields from Kinesis, one core. What the runtime does counts for who called for it.\n\n" +
		"| room | share | largest functions |\n|--|--|--|\n")
	for _, s := range r.Profile {
		var names []string
		for _, f := range s.Functions {
			if f.Part >= 0.005 {
				names = append(names, fmt.Sprintf("`%s` %.1f %%", f.Name, 100*f.Part))
			}
		}
		fmt.Fprintf(b, "| %s | %.1f %% | %s |\n", s.Room, 100*s.Part, strings.Join(names, ", "))
	}
}

// charts are the curves of the page by the name of their file.
func (r *results) charts() map[string]*chart {
	draw := func(title, x string, points []point, rssBound float64) *chart {
		c := &chart{Title: title, X: x + " (logarithmic)"}
		c.Panels[0].Y, c.Panels[1].Y = "CPU ns a record", "peak memory, MiB"
		for _, p := range points {
			c.Panels[0].Points = append(c.Panels[0].Points, [2]float64{p.X, p.Nanos})
			c.Panels[1].Points = append(c.Panels[1].Points, [2]float64{p.X, p.RSS / mib})
		}
		c.Panels[1].Bound, c.Panels[1].BoundName = rssBound, "64 MiB"
		return c
	}
	return map[string]*chart{
		"records": draw("As more records come (in process, one core)", "records", r.ByRecords, 0),
		"shards":  draw("As there are more shards (real program, two cores)", "shards", r.ByShards, 64),
		"subnets": draw("As there are more subnets (real program, two cores, 100 shards)", "subnets", r.BySubnets, 0),
	}
}
