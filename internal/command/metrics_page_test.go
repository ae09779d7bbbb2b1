package command

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// conditional are the beginnings of metrics that are not always there; the
// longest that fits decides.
var conditional = map[string]string{
	"flowlog_deny_log_": "`--deny-log.output`", "flowlog_source_": "a source",
	"flowlog_source_shards": "Kinesis", "flowlog_source_lag_": "Kinesis", "flowlog_source_resets_": "Kinesis", "flowlog_source_gap_": "Kinesis",
	"flowlog_source_buffer": "Kinesis", "flowlog_source_request": "Kinesis, S3", "flowlog_source_objects_": "S3", "flowlog_source_unreadable_": "S3",
	"flowlog_source_deliveries_": "Firehose", "flowlog_source_redeliveries_": "Firehose",
}

// metric is a row of the page.
type metric struct{ kind, labels, help string }

// TestMetricsPage compares docs/metrics.md with what is registered.
func TestMetricsPage(t *testing.T) {
	all := committedMetrics(t)
	for name, m := range registeredMetrics(t) {
		all[name] = m
	}
	var table strings.Builder
	table.WriteString("| Metric | Type | Unit | Labels | Meaning | There with |\n|--|--|--|--|--|--|\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !strings.HasPrefix(name, "flowlog_") {
			continue
		}
		m, with := all[name], ""
		for _, prefix := range slices.Sorted(maps.Keys(conditional)) { // shorter ones first
			if strings.HasPrefix(name, prefix) {
				with = conditional[prefix]
			}
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s | %s |\n", name, m.kind, unitOf(name), m.labels, m.help, with)
	}
	file := filepath.Join(tree, "docs/metrics.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	written, _, _ := strings.Cut(string(text), "| Metric |")
	golden(t, file, written+table.String())
}

func unitOf(name string) string {
	for _, unit := range []string{"seconds", "bytes"} {
		if strings.HasSuffix(strings.TrimSuffix(name, "_total"), "_"+unit) {
			return unit
		}
	}
	return ""
}

// committedMetrics are those of the ledger and the address book, as they are shown.
func committedMetrics(t *testing.T) map[string]metric {
	t.Helper()
	e := loaded(t, twoSubnets)
	e.read(t, "2 123456789012 eni-a 10.0.0.5 203.0.113.9 40000 443 6 1 40 1700000000 1700000060 ACCEPT OK")
	var text strings.Builder
	if err := writeProm(&text, totals{metrics: e.metrics}); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]metric{}
	for name, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		all[name] = metric{strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp()}
	}
	return all
}

// registeredMetrics are those that the process says of itself with every source
// and a deny log, by their descriptions: many have series only when they are used.
func registeredMetrics(t *testing.T) map[string]metric {
	t.Helper()
	s := &settings{denyOutput: "stdout", denyFormat: "json", subnetsRefresh: time.Hour}
	list, err := vpc.ParseSubnets("subnets", []byte(twoSubnets))
	if err != nil {
		t.Fatal(err)
	}
	e, err := newEngine(&program{stdout: io.Discard, stderr: io.Discard}, s, slog.New(slog.DiscardHandler), book{list, nil}, flowlog.Fixed(), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.close(t.Context()) })
	source.NewMetrics(e.about)
	descriptions := make(chan *prometheus.Desc, 1000)
	e.about.Describe(descriptions)
	close(descriptions)
	all := map[string]metric{}
	form := regexp.MustCompile(`fqName: "(.*?)", .*?help: "(.*?)", .*variableLabels: \{(.*?)\}`)
	for d := range descriptions {
		m := form.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("not understood: %s", d)
		}
		kind := "gauge"
		if strings.HasSuffix(m[1], "_total") { // as Prometheus' linter has it
			kind = "counter"
		}
		all[m[1]] = metric{kind, strings.ReplaceAll(m[3], ",", ", "), m[2]}
	}
	return all
}
