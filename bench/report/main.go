// Command report measures everything that docs/benchmarks.md tells and writes
// that page and its charts: the way in process, the real program from outside,
// and how both grow. It is started in the folder of the module.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/bench/exporter"
	"github.com/flowlog-exporter/flowlog-exporter/bench/judge"
)

// settings say how much is measured.
type settings struct {
	dir    string // of the corpus and of what is built
	docs   string // the folder of the page
	rounds int
	grow   uint64 // records of the longest run
	quick  bool
}

func main() {
	s := settings{}
	flag.StringVar(&s.dir, "corpus", "bench/.corpus", "folder of the corpus; it is made when it is not there")
	flag.StringVar(&s.docs, "docs", "docs", "folder that benchmarks.md and its charts are written to")
	flag.IntVar(&s.rounds, "rounds", 11, "how often each row of a table is measured")
	flag.Uint64Var(&s.grow, "grow", 100_000_000, "records of the longest run")
	flag.BoolVar(&s.quick, "quick", false, "measure less, in about two minutes: a look, not a figure to quote")
	flag.Parse()
	if s.quick {
		s.rounds, s.grow = min(s.rounds, 3), min(s.grow, 3_000_000)
	}
	if err := s.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run does one thing after the other, for what is measured must be alone.
func (s *settings) run() error {
	r := &results{Quick: s.quick, Rounds: s.rounds}
	for _, stage := range []struct {
		what string
		do   func(*results) error
	}{
		{"the corpus", s.prepare},
		{"totals against the oracle", s.judge},
		{"the way in process", s.table},
		{"stages", s.stages},
		{"over the wire format of Kinesis", s.wire},
		{"growth", s.growth},
		{"the real program", s.program},
		{"a replay", s.replay},
		{"instructions", s.instructions},
		{"profile", s.profile},
	} {
		begun := time.Now()
		fmt.Printf("%s … ", stage.what)
		if err := stage.do(r); err != nil {
			fmt.Println()
			return fmt.Errorf("%s: %w", stage.what, err)
		}
		fmt.Printf("%.0f s\n", time.Since(begun).Seconds())
	}
	r.describeMachine()
	for _, f := range r.verdicts() {
		fmt.Println(f)
	}
	fmt.Println(r.Instructions)
	return s.write(r)
}

func (s *settings) exporter() string { return filepath.Join(s.dir, "bin", "flowlog-exporter") }
func (s *settings) pipeline() string { return filepath.Join(s.dir, "bin", "pipeline") }

// prepare makes the corpus and builds what is measured from outside.
func (s *settings) prepare(*results) error {
	if _, err := os.Stat(filepath.Join(s.dir, corpus.ManifestFile)); err != nil {
		if _, err := corpus.Write(s.dir, corpus.Default()); err != nil {
			return err
		}
	}
	if err := s.writeParquet(); err != nil {
		return err
	}
	if err := exporter.Build(".", s.exporter()); err != nil {
		return err
	}
	return exporter.Build("./bench/pipeline", s.pipeline())
}

// judge lets nothing be measured that counts wrongly.
func (s *settings) judge(r *results) error {
	files := slices.Concat(judge.Files, judge.Parquet)
	if s.quick {
		files = []string{corpus.KinesisV5, corpus.ParquetV5}
	}
	type answer struct {
		records uint64
		err     error
	}
	answers := make(chan answer)
	for _, file := range files {
		go func() {
			records, err := judge.Equal(s.dir, file)
			answers <- answer{records, err}
		}()
	}
	var first error
	for range files {
		a := <-answers
		r.Judged += a.records
		if first == nil {
			first = a.err
		}
	}
	r.JudgedFiles = len(files)
	return first
}
