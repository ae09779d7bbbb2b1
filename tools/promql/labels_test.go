package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/pipeline"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
	"github.com/flowlog-exporter/flowlog-exporter/internal/web"
)

// FuzzLabels: whatever a subnet and a source are called, Prometheus' own parser
// reads the page, in both formats, and reads these names.
func FuzzLabels(f *testing.F) {
	for _, text := range []string{
		"", "plain", `\`, `"`, "\n", `\n`, `\"`, `a\`, "\xff", "\xc3(", "a\x00b", "\r\n", "\t", "é", "\u2028", "# EOF", "} 1\nup 1\n", `",x="`,
		strings.Repeat("long", 64), strings.Repeat("é", 129), "\x7f\x80",
	} {
		f.Add("10.0.0.0/24", "vpc-1", text, "kinesis")
		f.Add(text, text, "subnet-1", text)
	}
	f.Fuzz(func(t *testing.T, cidr, vpcID, name, source string) {
		source = valid(source) // ours are constants
		families := page(t, &flow.Subnet{
			CIDR: cidr, VPCID: vpcID, ID: name, AZID: name, AccountID: name, Name: name, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")},
		}, source)
		for _, openMetrics := range []bool{false, true} {
			check(t, render(families, openMetrics), openMetrics, map[string]map[string]string{
				"flowlog_denied_bytes_total": {"subnet": valid(cidr), "vpc_id": valid(vpcID)},
				"flowlog_sent_flows_total":   {"subnet": valid(cidr), "vpc_id": valid(vpcID)},
				"flowlog_records_total":      {"source": source},
				"flowlog_subnets":            {"vpc_id": shown(vpcID)},
				"flowlog_subnet_info": {"subnet": shown(cidr), "vpc_id": shown(vpcID), "name": shown(name), "subnet_id": shown(name),
					"az_id": shown(name), "account_id": shown(name)},
			})
		}
	})
}

// valid is a text whose bad bytes are replaced.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// shown is a text as the identity of a subnet shows it: without control
// characters, and not long.
func shown(text string) string {
	runes := []rune(valid(text))
	for i, r := range runes {
		if unicode.IsControl(r) {
			runes[i] = ' '
		}
	}
	return string(runes[:min(len(runes), 128)])
}

type loader []flow.Subnet

func (l loader) Load(context.Context) ([]flow.Subnet, []vpc.Interface, error) { return l, nil, nil }

// page returns what is committed of one subnet and one source.
func page(t *testing.T, subnet *flow.Subnet, source string) []web.Family {
	t.Helper()
	book := &vpc.Book{Loader: loader{*subnet}, Logger: slog.New(slog.DiscardHandler)}
	if err := book.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	totals := traffic.New()
	totals.SetSubnets([]*flow.Subnet{subnet})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(book, pipeline.NewAccounts(source))
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	families, err := web.Encode(gathered)
	if err != nil {
		t.Fatal(err)
	}
	for family := range totals.Freeze().Families() {
		families = append(families, family)
	}
	return families
}

func render(families []web.Family, openMetrics bool) []byte {
	var b []byte
	for _, family := range families {
		b = family.Append(b, openMetrics, func(b []byte) []byte { return b })
	}
	if openMetrics {
		b = append(b, "# EOF\n"...)
	}
	return b
}

// check parses a page and compares some labels of some metrics. An empty label
// is none to Prometheus.
func check(t *testing.T, text []byte, openMetrics bool, want map[string]map[string]string) {
	t.Helper()
	parser := textparse.NewPromParser(text, labels.NewSymbolTable(), false)
	if openMetrics {
		parser = textparse.NewOpenMetricsParser(text, labels.NewSymbolTable())
	}
	seen := map[string]int{}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var series labels.Labels
		parser.Labels(&series)
		name := series.Get(labels.MetricName)
		seen[name]++
		for label, value := range want[name] {
			if got := series.Get(label); got != value {
				t.Errorf("%s: %s is %q, want %q", name, label, got, value)
			}
		}
	}
	for name := range want {
		if seen[name] == 0 {
			t.Errorf("no %s in\n%s", name, text)
		}
	}
	if seen["up"] > 0 {
		t.Errorf("a label became a series in\n%s", text)
	}
}
