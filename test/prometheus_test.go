//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

const (
	prometheusProgram = "../.tools/bin/prometheus"
	promtool          = "../.tools/bin/promtool"
	scrapeInterval    = "1s"
)

// prometheus is a Prometheus server that scrapes the exporter.
type prometheus struct {
	*process
	address string
}

// startPrometheus lets a Prometheus with an empty database scrape a target, with
// the rules of some files.
func startPrometheus(t *testing.T, target string, rules ...string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	configuration := fmt.Sprintf(`
global: {scrape_interval: %[1]s, scrape_timeout: %[1]s, evaluation_interval: %[1]s}
rule_files: [%[3]s]
scrape_configs:
  - job_name: flowlog
    static_configs: [{targets: [%[2]q]}]
`, scrapeInterval, target, strings.Join(rules, ", "))
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &prometheus{address: freeAddress(t)}
	p.process = start(t, "prometheus", exec.CommandContext(t.Context(), prometheusProgram, "--config.file="+file,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.address, "--log.level=warn"))
	await(t, 60*time.Second, func() (bool, string) {
		status, answer := get("http://" + p.address + "/-/ready")
		return status == http.StatusOK, "prometheus is not ready: " + answer
	}, p.process)
	return p
}

// freeAddress returns an address that nobody listens on: Prometheus does not say
// which port it got when it may choose.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// get returns the status and body of an answer, 0 and the error without one.
func get(address string) (status int, body string) {
	answer, err := http.Get(address)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(b)
}

// series is one line of an answer of Prometheus: an instant has Value, a range Values.
type series struct {
	Metric map[string]string
	Value  sample
	Values []sample
}

// sample is a time in Unix seconds and a value, as Prometheus prints both.
type sample struct {
	at    json.Number
	value float64
}

// UnmarshalJSON reads [1700000000.123,"1"].
func (s *sample) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &[]any{&s.at, &text}); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(text, 64)
	s.value = v
	return err
}

// query evaluates PromQL at a time, now without one.
func (p *prometheus) query(t *testing.T, promQL, at string) []series {
	t.Helper()
	form := url.Values{"query": {promQL}}
	if at != "" {
		form.Set("time", at)
	}
	status, body := get("http://" + p.address + "/api/v1/query?" + form.Encode())
	var answer struct {
		Status, Error string
		Data          struct{ Result []series }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", promQL, status, err, body)
	}
	return answer.Data.Result
}

// number evaluates PromQL to a single value.
func (p *prometheus) number(t *testing.T, promQL string) float64 {
	t.Helper()
	answer := p.query(t, promQL, "")
	if len(answer) != 1 {
		t.Fatalf("%s: got %d series, want 1", promQL, len(answer))
	}
	return answer[0].Value.value
}

// lastScrape returns the time of the newest scrape, "" before the first.
func (p *prometheus) lastScrape(t *testing.T) string {
	t.Helper()
	answer := p.query(t, `flowlog_records_total{job="flowlog"}[1m]`, "")
	last := ""
	for _, s := range answer {
		last = string(s.Values[len(s.Values)-1].at)
	}
	return last
}

// difference is a series that is not what it must be.
type difference struct{ series, want, got string }

// beyondRepair says that a counter is above what it must be: it never falls.
func (d difference) beyondRepair() bool {
	want, err := strconv.ParseFloat(d.want, 64)
	got, err2 := strconv.ParseFloat(d.got, 64)
	return err == nil && err2 == nil && got > want
}

// compare asks for every metric of the truth, as of one scrape, and returns the
// number of series compared and those that differ. Series too many differ too.
func (p *prometheus) compare(t *testing.T, want *truth, at string) (compared int, differ []difference) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want.Metrics)) {
		metric := want.Metrics[name]
		got := map[string]string{}
		for _, s := range p.query(t, fmt.Sprintf("sum by (%s) (%s{job=\"flowlog\"})", strings.Join(metric.By, ","), name), at) {
			labels := make([]string, len(metric.By))
			for i, l := range metric.By {
				labels[i] = s.Metric[l]
			}
			got[strings.Join(labels, " ")] = strconv.FormatFloat(s.Value.value, 'f', -1, 64)
		}
		for _, s := range metric.Series {
			labels := strings.Join(s.Labels, " ")
			value := strconv.FormatUint(s.Value, 10)
			if got[labels] != value {
				differ = append(differ, difference{name + " " + labels, value, got[labels]})
			}
			delete(got, labels)
			compared++
		}
		for _, labels := range slices.Sorted(maps.Keys(got)) {
			differ = append(differ, difference{name + " " + labels, "", got[labels]})
		}
	}
	return compared, differ
}

// table shows differences, at most 30 of them.
func table(differ []difference) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "want\tgot\t series")
	for _, d := range differ[:min(30, len(differ))] {
		fmt.Fprintf(w, "%s\t%s\t %s\n", d.want, d.got, d.series)
	}
	_ = w.Flush()
	if more := len(differ) - 30; more > 0 {
		fmt.Fprintf(&text, "and %d more\n", more)
	}
	return text.String()
}
