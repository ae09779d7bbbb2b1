package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/bench/way"
)

// guardFile holds the most instructions that a record may take. It is changed
// by hand, on purpose.
const guardFile = "bench/instructions.txt"

// guard is a regression guard that no clock decides: how many instructions a
// record takes on a small corpus that is always the same.
type guard struct {
	Tool      string  // what counted; "" when nothing here can
	PerRecord float64 // instructions
	Bound     float64 // 0 is none
}

// Broken reports whether a record takes more than it may.
func (g guard) Broken() bool { return g.Tool != "" && g.Bound > 0 && g.PerRecord > g.Bound }

func (g guard) String() string {
	switch {
	case g.Tool == "":
		return "instructions a record: not counted, for here is neither valgrind nor a perf that may count them"
	case g.Bound == 0:
		return fmt.Sprintf("instructions a record: %.0f, by %s; there is no bound in %s", g.PerRecord, g.Tool, guardFile)
	case g.Broken():
		return fmt.Sprintf("instructions a record: %.0f, by %s: MORE than the %.0f of %s", g.PerRecord, g.Tool, g.Bound, guardFile)
	}
	return fmt.Sprintf("instructions a record: %.0f, by %s; at most %.0f", g.PerRecord, g.Tool, g.Bound)
}

// Passes of the two runs; their difference is passes alone, without the start.
const (
	fewPasses  = 3
	morePasses = 13
)

// instructions counts them, by the first tool that can.
func (s *settings) instructions(r *results) error {
	dir := filepath.Join(s.dir, "small")
	o := corpus.Default()
	o.Records, o.S3Bytes = 40, 0
	if _, err := corpus.Write(dir, o); err != nil {
		return err
	}
	in, err := way.Load(dir, corpus.KinesisV2)
	if err != nil {
		return err
	}
	records, err := recordsOf(in)
	if err != nil {
		return err
	}
	for _, count := range []func(command []string) (uint64, string){byPerf, byValgrind} {
		few, tool := count(s.pass(dir, fewPasses))
		more, _ := count(s.pass(dir, morePasses))
		if few > 0 && more > few {
			r.Instructions.Tool = tool
			r.Instructions.PerRecord = float64(more-few) / float64((morePasses-fewPasses)*records)
			break
		}
	}
	if text, err := os.ReadFile(guardFile); err == nil {
		if r.Instructions.Bound, err = strconv.ParseFloat(strings.TrimSpace(string(text)), 64); err != nil {
			return fmt.Errorf("%s: %w", guardFile, err)
		}
	}
	return nil
}

func (s *settings) pass(dir string, n int) []string {
	return []string{s.pipeline(), "-corpus", dir, "-passes", strconv.Itoa(n)}
}

// steady keeps the scheduler and the collector of Go from doing by the clock
// what would be counted.
func steady(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	return cmd
}

var perfLine = regexp.MustCompile(`(?m)^(\d+),[^,]*,instructions`)

// byPerf asks the processor, which virtual machines seldom allow.
func byPerf(command []string) (uint64, string) {
	out, err := steady("perf", append([]string{"stat", "-x", ",", "-e", "instructions:u"}, command...)...).CombinedOutput()
	return number(out, err, perfLine), "perf stat -e instructions:u"
}

var cachegrindLine = regexp.MustCompile(`I\s+refs:\s+([\d,]+)`)

// byValgrind counts what valgrind emulates; cachegrind and not callgrind, which
// does not get along with how Go switches stacks.
func byValgrind(command []string) (uint64, string) {
	valgrind, lib := "valgrind", ""
	if _, err := exec.LookPath(valgrind); err != nil {
		valgrind, lib = ".tools/valgrind/usr/bin/valgrind", ".tools/valgrind/usr/libexec/valgrind"
	}
	cmd := steady(valgrind, append([]string{"--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"}, command...)...)
	if lib != "" {
		cmd.Env = append(cmd.Env, "VALGRIND_LIB="+lib)
	}
	out, err := cmd.CombinedOutput()
	return number(out, err, cachegrindLine), "valgrind --tool=cachegrind"
}

// number returns what was counted, 0 when nothing was.
func number(out []byte, err error, where *regexp.Regexp) uint64 {
	found := where.FindSubmatch(out)
	if err != nil || found == nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.ReplaceAll(string(found[1]), ",", ""), 10, 64)
	return n
}
