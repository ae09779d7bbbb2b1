//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

const (
	daysSeed = 1
	// The first day and fourteen hours of the next are ordinary, so that there is a
	// yesterday; then come a port scan, a spike of refusals, an exfiltration and
	// mail that may not leave, an hour or so each.
	calmHours, allHours = 38, 43
	meanRate            = 8 // records a second; by night a fifth of it, in the afternoon nearly twice as many
	window              = 15
)

// days is the demo's VPC with its clock hurried: what it wrote, minute by minute.
type days struct {
	vpc     *demo.VPC
	records int
	// refused are the refused flows so far at the end of each minute, as the
	// generator knows them.
	refused map[demo.Placement][]uint64
}

// write writes the flow logs of all minutes as lines.
func (d *days) write(w io.Writer) error {
	d.vpc.Stretch(24*time.Hour, calmHours*time.Hour)
	begin := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for minute := range allHours * 60 {
		// Least at four in the morning, most at four in the afternoon.
		wave := 1 - 0.8*math.Cos(2*math.Pi*(float64(minute)/60-4)/24)
		for _, e := range d.vpc.Next(begin.Add(time.Duration(minute)*time.Minute), int(60*meanRate*wave)) {
			d.records += e.Records
			if err := writeLines(w, e.Data); err != nil {
				return err
			}
		}
		for place, amount := range d.vpc.Truth().Traffic {
			if place.Action == flow.Reject {
				d.refused[place] = append(d.refused[place], amount.Flows)
			}
		}
	}
	return nil
}

// writeLines writes the flow logs of an envelope.
func writeLines(w io.Writer, envelope []byte) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(envelope))
	if err != nil {
		return err
	}
	var message struct {
		MessageType string
		LogEvents   []struct{ Message string }
	}
	if err := json.NewDecoder(unzipped).Decode(&message); err != nil || message.MessageType != "DATA_MESSAGE" {
		return err
	}
	for _, e := range message.LogEvents {
		if _, err := fmt.Fprintln(w, e.Message); err != nil {
			return err
		}
	}
	return nil
}

// most is the most refused flows of any window of 15 minutes that ends between two minutes.
func most(refused []uint64, from, to int) (n uint64) {
	for m := max(from, window); m < to; m++ {
		n = max(n, refused[m]-refused[m-window])
	}
	return n
}

// intended are the subnets and directions that must alert, by the truth and not by
// the rules: a quarter of an hour has five times as much as the worst before the incidents.
func (d *days) intended(t *testing.T) (samples []map[string]any) {
	t.Helper()
	for place, refused := range d.refused {
		calm, incident := most(refused, 0, calmHours*60), most(refused, calmHours*60, allHours*60)
		alerts := incident > 5*calm && incident > 60*window
		if incident > 0 {
			t.Logf("%-13s %-7v refused in 15 minutes: %4d at most on ordinary days, %5d in the incidents: alert %t", place.CIDR, place.Direction, calm, incident, alerts)
		}
		if alerts {
			samples = append(samples, map[string]any{"value": 1, "labels": fmt.Sprintf(
				`{alertname="FlowlogDenySpike", direction="%s", subnet="%s"}`, strings.ToLower(fmt.Sprint(place.Direction)), place.CIDR)})
		}
	}
	return samples
}

// TestDemoDays lets the real exporter count a day and a half of the demo's traffic and
// promtool evaluate the shipped rules over what it counted, minute by minute: the
// ordinary hours are quiet, and the incidents raise exactly the intended alerts,
// whether flow logs come evenly or as AWS delivers them, every ten minutes.
func TestDemoDays(t *testing.T) {
	d := &days{vpc: demo.NewVPC(daysSeed), refused: map[demo.Placement][]uint64{}}
	counters := d.count(t)
	intended := d.intended(t)
	if len(intended) < 2 {
		t.Fatalf("the scan and the spike are to be seen in two subnets at least, not in %d", len(intended))
	}
	for name, deliver := range map[string]func(series int, values []uint64) []uint64{
		"even":       func(_ int, values []uint64) []uint64 { return values },
		"deliveries": inDeliveries,
	} {
		t.Run(name, func(t *testing.T) {
			var input []map[string]string
			for i, series := range slices.Sorted(maps.Keys(counters)) {
				input = append(input, map[string]string{"series": series, "values": strings.Trim(fmt.Sprint(deliver(i, counters[series])), "[]")})
			}
			fired := `group by (alertname, subnet, direction) (count_over_time(ALERTS{alertstate="firing"}[3d]))`
			tryRules(t, input, []map[string]any{
				{"expr": fired, "eval_time": fmt.Sprint(calmHours, "h"), "exp_samples": []any{}},
				{"expr": fired, "eval_time": fmt.Sprint(allHours, "h"), "exp_samples": intended},
			})
		})
	}
	if t.Failed() {
		return
	}
	t.Logf("%d records in %d hours, %d series: quiet for %d hours, then %d alerts and no other", d.records, allHours, len(counters), calmHours, len(intended))
}

// inDeliveries lets a series grow once in ten minutes, at a minute of its own and
// five minutes late.
func inDeliveries(series int, values []uint64) []uint64 {
	late := make([]uint64, len(values))
	for m := range values {
		if told := m - 5 - (m-5+10+series%10)%10; m >= 15 {
			late[m] = values[told]
		}
	}
	return late
}

// tryRules lets promtool evaluate the shipped rules over series.
func tryRules(t *testing.T, input []map[string]string, expectations []map[string]any) {
	t.Helper()
	rules, err := filepath.Abs("../monitoring/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// What is JSON is YAML.
	text, err := json.Marshal(map[string]any{
		"rule_files": []string{rules}, "evaluation_interval": "1m", "group_eval_order": []string{"flowlog-exporter-history", "flowlog-exporter"},
		"tests": []map[string]any{{"interval": "1m", "input_series": input, "promql_expr_test": expectations}},
	})
	file := filepath.Join(t.TempDir(), "days.test.yaml")
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	run(t, promtool, "test", "rules", file)
}

// count pipes the days through a replay of the real binary, and returns its
// counters of flows at the end of each minute.
func (d *days) count(t *testing.T) map[string][]uint64 {
	t.Helper()
	dir := t.TempDir()
	list, samples := filepath.Join(dir, "subnets.txt"), filepath.Join(dir, "days.om")
	var subnets strings.Builder
	for _, s := range d.vpc.Subnets() {
		fmt.Fprintf(&subnets, "%s subnet_id=%s vpc_id=%s\n", s.CIDR, s.ID, s.VPCID)
	}
	if err := os.WriteFile(list, []byte(subnets.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	replay := exec.CommandContext(t.Context(), buildExporter(t), "replay", "--subnets.file="+list, "--output=openmetrics", "--output.file="+samples, "-")
	in, err := replay.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, "replay", replay)
	lines := bufio.NewWriterSize(in, 1<<20)
	if err := d.write(lines); err != nil {
		t.Fatal(err)
	}
	if err := lines.Flush(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	<-p.ended
	text, err := os.ReadFile(samples)
	if err != nil || !p.cmd.ProcessState.Success() {
		t.Fatalf("replay: %v, %v", p.cmd.ProcessState, err)
	}
	return minutely(t, string(text))
}

// minutely reads samples of flows as the exporter would have shown them live: at 0
// from the start, and standing still where there is no sample.
func minutely(t *testing.T, openMetrics string) map[string][]uint64 {
	t.Helper()
	first := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).Unix()
	counters := map[string][]uint64{}
	for _, m := range regexp.MustCompile(`(?m)^(flowlog_\w+_flows_total\{.*?\}) (\d+) (\d+)`).FindAllStringSubmatch(openMetrics, -1) {
		value, err := strconv.ParseUint(m[2], 10, 64)
		at, err2 := strconv.ParseInt(m[3], 10, 64)
		if err != nil || err2 != nil {
			t.Fatalf("no sample: %s", m[0])
		}
		values := counters[m[1]]
		if values == nil {
			values = make([]uint64, allHours*60)
			counters[m[1]] = values
		}
		for minute := max(0, int(at-first)/60); minute < len(values); minute++ {
			values[minute] = value
		}
	}
	return counters
}
