//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// mayBeEmpty are the expressions that have no answer from the demo, by what
// they hold, and why. Everything else must return data.
var mayBeEmpty = map[string]string{
	`ALERTS{`:                          "nothing alerts in the demo",
	`:history{`:                        "a history is at least 15 minutes old; the simulated days have one",
	`flowlog_source_objects_total`:     "the demo reads no objects of S3",
	`flowlog_source_deliveries_total`:  "the demo takes no deliveries of Firehose",
	`flowlog_source_request_failures_`: "no request fails in the demo; the panel shows only what does",
}

// expression is PromQL of a file.
type expression struct {
	file, title, expr string
}

// TestMonitoring lets a Prometheus with the shipped rules scrape the demo, and
// asks it everything that dashboards, rules and docs/queries.md ask.
func TestMonitoring(t *testing.T) {
	exporter := buildExporter(t)
	demo := start(t, "demo", exec.CommandContext(t.Context(), exporter, "demo", "--web.listen-address=127.0.0.1:0",
		"--deny-log.output=file:"+filepath.Join(t.TempDir(), "deny.log")))
	address := demo.awaitLine(t, `(?i)msg="?listening(?: on)?"? .*address=(\S+)`)
	p := startPrometheus(t, address, hurriedRules(t))
	// Both the traffic and what the rules make of it.
	await(t, 90*time.Second, func() (bool, string) {
		return len(p.query(t, `subnet:flowlog_denied_flows:rate15m > 0`, "")) >= 3, "the rules record nothing"
	}, demo, p.process)

	dashboards, rules := dashboardExpressions(t), p.rules(t)
	queries, runbooks := documentedQueries(t, "../docs/queries.md", 15), documentedQueries(t, "../docs/runbooks/*.md", 8)
	all := slices.Concat(dashboards, rules, queries, runbooks)
	exposed := exposedMetrics(t, address)
	for i, metrics := range askedFor(t, all) {
		for _, m := range metrics {
			if !exposed[m] {
				t.Errorf("%s, %s asks for %s, which nobody exposes: %s", all[i].file, all[i].title, m, all[i].expr)
			}
		}
	}
	empty := 0
	for _, e := range slices.Concat(dashboards, queries) {
		if !p.answers(t, e) {
			empty++
		}
	}
	for _, e := range slices.Concat(rules, runbooks) { // without data as long as all is well
		p.query(t, e.expr, "") // fails the test when it can't be evaluated
	}
	// Not one alert is even pending, but for a moment: a machine that is starved
	// misses a read of the source now and then.
	scrapes := p.number(t, `max(count_over_time(up{job="flowlog"}[1h]))`)
	pending := 0.0
	for _, alert := range p.query(t, `count_over_time(ALERTS[1h])`, "") {
		pending = max(pending, alert.Value.value)
		if alert.Value.value > scrapes/10 || alert.Metric["alertstate"] == "firing" {
			t.Errorf("an ordinary demo alerts in %v of %v scrapes: %v", alert.Value.value, scrapes, alert.Metric)
		}
	}
	t.Logf("%d expressions of dashboards and %d of docs/queries.md: %d returned data, %d may be empty; %d of rules and %d of runbooks evaluated; no alert fired, or was pending in more than %v of %v scrapes",
		len(dashboards), len(queries), len(dashboards)+len(queries)-empty, empty, len(rules), len(runbooks), pending, scrapes)
}

// hurriedRules are the shipped rules, all of them evaluated at each scrape.
func hurriedRules(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../monitoring/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "alerts.yaml")
	hurried := bytes.Replace(text, []byte("interval: 1m\n"), []byte("interval: "+scrapeInterval+"\n"), 1)
	if err := os.WriteFile(file, hurried, 0o600); err != nil || bytes.Equal(text, hurried) {
		t.Fatalf("the interval of the history is not as it was: %v", err)
	}
	return file
}

// answers reports whether an expression returns data, and complains unless it may not.
func (p *prometheus) answers(t *testing.T, e expression) bool {
	t.Helper()
	if len(p.query(t, e.expr, "")) > 0 {
		return true
	}
	for part := range mayBeEmpty {
		if strings.Contains(e.expr, part) {
			return false
		}
	}
	t.Errorf("%s, %s returns nothing: %s", e.file, e.title, e.expr)
	return false
}

// variables are what Grafana puts in place of its variables.
var variables = strings.NewReplacer("$__rate_interval", "1m", "$job", ".*", "$vpc_id", ".*", "$subnet", ".*")

// dashboardExpressions are those of all panels, annotations and variables.
func dashboardExpressions(t *testing.T) (all []expression) {
	t.Helper()
	files, err := filepath.Glob("../monitoring/dashboards/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d dashboards: %v", len(files), err)
	}
	label := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	for _, file := range files {
		var d struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
			Annotations struct{ List []struct{ Name, Expr string } }
			Templating  struct {
				List []struct{ Name, Definition string }
			}
		}
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &d)
		}
		if err != nil {
			t.Fatal(err)
		}
		add := func(title, expr string) {
			if expr != "" {
				all = append(all, expression{filepath.Base(file), title, variables.Replace(expr)})
			}
		}
		for _, panel := range d.Panels {
			for _, target := range panel.Targets {
				add(panel.Title, target.Expr)
			}
		}
		for _, a := range d.Annotations.List {
			add(a.Name, a.Expr)
		}
		for _, v := range d.Templating.List {
			if m := label.FindStringSubmatch(v.Definition); m != nil {
				add("variable "+v.Name, fmt.Sprintf("count by (%s) (%s)", m[2], m[1]))
			}
		}
	}
	return all
}

// rules are the expressions of the rules that Prometheus has loaded; all of them
// were evaluated without an error.
func (p *prometheus) rules(t *testing.T) (all []expression) {
	t.Helper()
	_, body := get("http://" + p.address + "/api/v1/rules")
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Query, Health, LastError string }
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			if r.Health != "ok" {
				t.Errorf("%s is %s: %s", r.Name, r.Health, r.LastError)
			}
			all = append(all, expression{"alerts.yaml", r.Name, r.Query})
		}
	}
	return all
}

// documentedQueries are the PromQL of pages, of which there must be so many: what
// stands between two empty lines is one.
func documentedQueries(t *testing.T, pages string, atLeast int) (all []expression) {
	t.Helper()
	files, err := filepath.Glob(pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			for q := range strings.SplitSeq(strings.TrimSpace(block[1]), "\n\n") {
				all = append(all, expression{filepath.Base(file), strings.SplitN(q, "\n", 2)[0], q})
			}
		}
	}
	if len(all) < atLeast {
		t.Fatalf("%d queries are understood in %s", len(all), pages)
	}
	return all
}

// exposedMetrics are those that the demo shows, those of other sources that
// docs/metrics.md says are there, and what Prometheus adds.
func exposedMetrics(t *testing.T, address string) map[string]bool {
	t.Helper()
	known := map[string]bool{"ALERTS": true, "up": true}
	status, page := get("http://" + address + "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, page)
	}
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(page)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)[{ ]`).FindAllStringSubmatch(page, -1) {
		known[m[1]] = true
	}
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(flowlog_source_\\w+)`").FindAllStringSubmatch(string(text), -1) {
		known[m[1]] = true
	}
	text, err = os.ReadFile("../monitoring/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)- record: (\S+)`).FindAllStringSubmatch(string(text), -1) {
		known[m[1]] = true
	}
	return known
}

// askedFor lets Prometheus' own parser say which metrics each expression asks for.
func askedFor(t *testing.T, all []expression) (metrics [][]string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "promql")
	run(t, "go", "build", "-C", "../tools/promql", "-o", program, ".")
	args := []string{"-metrics"}
	for _, e := range all {
		args = append(args, e.expr)
	}
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var names []string
		if err := d.Decode(&names); err != nil {
			t.Fatal(err)
		}
		metrics = append(metrics, names)
	}
	if len(metrics) != len(all) {
		t.Fatalf("%d expressions, %d answers", len(all), len(metrics))
	}
	return metrics
}
