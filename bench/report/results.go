package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/bench/exporter"
)

// results are all that was measured.
type results struct {
	Quick   bool
	Rounds  int
	Machine string
	Load    string // on the machine, when all was done
	Source  string // its commit

	Judged      uint64 // records that were counted both ways
	JudgedFiles int

	Table           []line
	BodiesPerRecord float64
	TwoCoreCost     float64 // CPU time of a record on two cores, divided by that on one
	KlauspostTwo    float64 // how many times as fast klauspost inflates on two cores, by the clock

	Stages      []stage
	StagePasses int

	Wire []*wired

	ByRecords, ByShards, BySubnets []point
	Loaded                         point // 500 subnets, more shards than two cores can read

	FewSeries, ManySeries             []exporter.Scraped
	Commit                            time.Duration // of 50,000 series
	Start, StartState, StartStateless time.Duration
	Restore                           time.Duration
	StateBytes                        int64
	Idle                              float64 // share of a core
	Replay                            exporter.Replayed

	Instructions guard
	Profile      []share
}

// describeMachine says where this was measured.
func (r *results) describeMachine() {
	model := "unknown processor"
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
				model = strings.TrimLeft(name, "\t :")
				break
			}
		}
	}
	r.Machine = fmt.Sprintf("%d cores (%s), %s/%s, %s", runtime.NumCPU(), model, runtime.GOOS, runtime.GOARCH, runtime.Version())
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		r.Load, _, _ = strings.Cut(string(text), " ")
	}
	if out, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		r.Source = strings.TrimSpace(string(out))
	}
}
