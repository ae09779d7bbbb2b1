//go:build e2e

// Package e2e runs the exporter between parts that this project did not write:
// moto answers as AWS, boto3 puts flow logs into CloudWatch Logs, and Prometheus
// scrapes. What Prometheus then says must equal, to the byte, what truth.py works
// out from the lines that were put. test/setup.sh brings the parts.
package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	firstSeed, reshardSeed = "1", "2"
	firstBatches           = "150"
	// quietScrapes is how many scrapes in a row must show the truth: a record
	// that is counted twice comes late.
	quietScrapes = 5
	settleLimit  = 90 * time.Second
	stopLimit    = 15 * time.Second
)

// scene is what the steps of the story act on, and the figures they leave.
type scene struct {
	world      *world
	exporter   *process
	address    string
	prometheus *prometheus

	compared, scrapes int
	truth             *truth
}

// TestEndToEnd tells one story: each step builds on the one before.
func TestEndToEnd(t *testing.T) {
	s := &scene{world: startWorld(t)}
	s.world.run(t, nil, "aws.py", "traffic", firstSeed, firstBatches)
	s.startExporter(t, buildExporter(t))
	s.prometheus = startPrometheus(t, s.address)
	for _, step := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"becomes ready", s.becomesReady},
		{"totals equal the truth", s.totalsEqualTheTruth},
		{"a new subnet appears at 0 and a deleted one leaves", s.subnetsMove},
		{"totals equal the truth after splits and a merge while events flow", s.reshard},
		{"every scrape accounts for every record", s.everyScrapeAddsUp},
		{"every denied flow is in the deny log", s.deniedFlowsAreLogged},
		{"promtool finds nothing", s.promtoolFindsNothing},
		{"stops after a last scrape", s.stops},
	} {
		if !t.Run(step.name, step.do) {
			return
		}
	}
	t.Logf("%d lines in %d bodies put, %d subnets, %d series compared over %d scrapes, mismatches 0",
		s.truth.Lines, s.truth.Bodies, s.truth.Subnets, s.compared, s.scrapes)
}

// buildExporter compiles the program with the race detector, which makes the
// exit status 66 when it finds something.
func buildExporter(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "flowlog-exporter")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-race", "-buildvcs=false", "-o", program, "..").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

func (s *scene) startExporter(t *testing.T, program string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "-stream", stream, "--kinesis.start=trim_horizon", "--aws.region="+region,
		"--subnets.refresh=1s",
		"--web.listen-address=127.0.0.1:0", "--deny-log.output=file:"+s.world.file("deny.log"), "--deny-log.rate=1000000")
	cmd.Env = append(s.world.environment(), "AWS_ACCESS_KEY=end", "AWS_SECRET_KEY=to-end")
	s.exporter = start(t, "exporter", cmd)
	s.address = s.exporter.awaitLine(t, `(?i)msg="?listening(?: on)?"? .*address=(\S+)`)
}

func (s *scene) becomesReady(t *testing.T) {
	await(t, 30*time.Second, func() (bool, string) {
		status, answer := get("http://" + s.address + "/-/ready")
		return status == http.StatusOK, fmt.Sprintf("not ready: status %d: %s", status, answer)
	}, s.exporter)
}

// totalsEqualTheTruth waits until a scrape shows the truth, and then wants to
// see it in each of the next scrapes.
func (s *scene) totalsEqualTheTruth(t *testing.T) {
	s.truth = s.world.truth(t)
	quiet, seen, found := 0, "", "Prometheus has not scraped"
	await(t, settleLimit, func() (bool, string) {
		at := s.prometheus.lastScrape(t)
		if at == seen {
			return false, found
		}
		seen = at
		compared, differ := s.prometheus.compare(t, s.truth, at)
		if len(differ) > 0 {
			found = fmt.Sprintf("%d of %d series differ:\n%s", len(differ), compared, table(differ))
			if quiet > 0 || slices.ContainsFunc(differ, difference.beyondRepair) {
				t.Fatalf("the truth is passed: %s", found)
			}
			return false, found
		}
		found = "the truth was reached, but not scraped again"
		quiet++
		s.compared += compared
		s.scrapes++
		return quiet == quietScrapes, found
	}, s.exporter, s.prometheus.process, s.world.server)
	t.Logf("%d lines, %d series compared at each of %d scrapes", s.truth.Lines, s.compared/s.scrapes, quiet)
}

// subnetsMove needs no check of its own: the truth has all series of the new
// subnet at 0 and none of the deleted one.
func (s *scene) subnetsMove(t *testing.T) {
	s.world.run(t, nil, "aws.py", "move")
	s.totalsEqualTheTruth(t)
}

func (s *scene) reshard(t *testing.T) {
	s.world.run(t, nil, "aws.py", "reshard", reshardSeed)
	s.totalsEqualTheTruth(t)
	records, closed, children := 0, 0, 0
	for _, shard := range s.world.shards(t) {
		records += shard.Records
		switch {
		case shard.Closed:
			closed++
		case len(shard.Parents) > 0 && shard.Records > 0:
			children++
		}
		t.Logf("%s of %v: closed %t, %d records", shard.ID, shard.Parents, shard.Closed, shard.Records)
	}
	if records != s.truth.Bodies {
		t.Errorf("the stream holds %d records, %d were put", records, s.truth.Bodies)
	}
	// Two splits and a merge close four shards; four of their five children stay open.
	if closed != 4 || children != 4 {
		t.Errorf("%d closed shards and %d open children with records, want 4 and 4", closed, children)
	}
}

// everyScrapeAddsUp checks the identity in all that Prometheus has seen.
func (s *scene) everyScrapeAddsUp(t *testing.T) {
	missing := `(sum(flowlog_records_total) - sum(flowlog_records_skipped_total) - sum(flowlog_records_unmatched_total)
		- sum(flowlog_received_flows_total) - sum(flowlog_sent_flows_total) - sum(flowlog_denied_flows_total))[30m:1s]`
	for _, f := range []string{"min_over_time", "max_over_time"} {
		if n := s.prometheus.number(t, f+"("+missing+")"); n != 0 {
			t.Errorf("%s of the records unaccounted for: %g, want 0", f, n)
		}
	}
	t.Logf("%g scrapes looked at", s.prometheus.number(t, `count_over_time(up{job="flowlog"}[30m])`))
}

func (s *scene) deniedFlowsAreLogged(t *testing.T) {
	await(t, 10*time.Second, func() (bool, string) {
		text, err := os.ReadFile(s.world.file("deny.log"))
		if err != nil {
			return false, err.Error()
		}
		lines := bytes.Count(text, []byte("POLICY_DENIED"))
		return lines == s.truth.Rejected, fmt.Sprintf("%d lines, want %d", lines, s.truth.Rejected)
	}, s.exporter)
}

func (s *scene) promtoolFindsNothing(t *testing.T) {
	status, metrics := get("http://" + s.address + "/metrics")
	if status != http.StatusOK {
		t.Fatalf("/metrics: status %d: %s", status, metrics)
	}
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(metrics)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// stops wants one more scrape to be answered after SIGTERM, with all totals.
func (s *scene) stops(t *testing.T) {
	asked := time.Now()
	if status := s.exporter.stop(t, stopLimit); status != 0 {
		t.Fatalf("exit status %d, want 0\n%s", status, s.exporter.said.tail(40))
	}
	t.Logf("stopped within %v", time.Since(asked).Round(time.Millisecond))
	await(t, 10*time.Second, func() (bool, string) {
		at := s.prometheus.lastScrape(t)
		seconds, err := strconv.ParseFloat(at, 64)
		if err != nil {
			return false, err.Error()
		}
		early := float64(asked.UnixMilli())/1000 - seconds
		return early <= 0, fmt.Sprintf("the last scrape came %.3f s before SIGTERM", early)
	}, s.prometheus.process)
	if _, differ := s.prometheus.compare(t, s.truth, s.prometheus.lastScrape(t)); len(differ) > 0 {
		t.Errorf("the last scrape differs:\n%s", table(differ))
	}
}
