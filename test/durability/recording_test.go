//go:build durability

package durability

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// page is one scrape: the values of the series, by their text.
type page struct {
	values  map[string]float64
	created map[string]float64 // start times in Unix seconds, by counter
}

// parse reads OpenMetrics as the exporter writes it: without timestamps and
// exemplars.
func parse(text string) (page, error) {
	p := page{map[string]float64{}, map[string]float64{}}
	if !strings.HasSuffix(text, "# EOF\n") {
		return p, errors.New("the answer is cut short")
	}
	for line := range strings.Lines(text) {
		if line[0] == '#' {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		if i < 0 {
			return p, fmt.Errorf("no sample: %q", line)
		}
		v, err := strconv.ParseFloat(line[i+1:len(line)-1], 64)
		if err != nil {
			return p, err
		}
		if name, labels, _ := cutName(line[:i]); strings.HasSuffix(name, "_created") {
			p.created[strings.TrimSuffix(name, "_created")+"_total"+labels] = v
			continue
		}
		p.values[line[:i]] = v
	}
	return p, nil
}

// cutName separates the name of a series from its labels.
func cutName(series string) (name, labels string, ok bool) {
	i := strings.IndexByte(series, '{')
	if i < 0 {
		return series, "", false
	}
	return series[:i], series[i:], true
}

// sum adds up the series of a metric.
func (p page) sum(name string) (n float64) {
	for series, v := range p.values {
		if s, _, _ := cutName(series); s == name {
			n += v
		}
	}
	return n
}

// ledgered are the beginnings of the metrics that are committed with the places:
// they know no restart.
var ledgered = []string{
	"flowlog_received_", "flowlog_sent_", "flowlog_denied_", "flowlog_records_", "flowlog_decode_failures_", "flowlog_record_delay_seconds",
}

func inLedger(name string) bool {
	return slices.ContainsFunc(ledgered, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// counts reports that the series is of a kind that never falls.
func counts(name string) bool {
	return slices.ContainsFunc([]string{"_total", "_count", "_sum", "_bucket"}, func(s string) bool { return strings.HasSuffix(name, s) })
}

// recording keeps all scrapes of an exporter over all its lives, and checks each
// as it comes. Safe for concurrent use.
type recording struct {
	t *testing.T

	scraping sync.Mutex // scrapes are kept in the order in which they were asked for

	mu      sync.Mutex
	tracks  map[string]*track
	created map[string]float64
	last    int64 // time of the newest scrape in milliseconds
	scrapes int
	slowest time.Duration
	wrong   int
}

// track is the samples of one series.
type track struct {
	Series string    `json:"series"`
	Times  []int64   `json:"times"`
	Values []float64 `json:"values"`
}

func newRecording(t *testing.T) *recording {
	return &recording{t: t, tracks: map[string]*track{}, created: map[string]float64{}}
}

// scrape asks for the metrics as Prometheus does, and adds the answer. What was
// not answered whole is no scrape, and gives an empty page.
func (r *recording) scrape(p *process, url string) page {
	r.scraping.Lock()
	defer r.scraping.Unlock()
	got, took, err := fetch(p.client, url)
	if err != nil {
		return page{}
	}
	r.add(got, took)
	return got
}

// fetch is one scrape that nobody records.
func fetch(client *http.Client, url string) (page, time.Duration, error) {
	request, err := http.NewRequest(http.MethodGet, url+"/metrics", nil)
	if err != nil {
		return page{}, 0, err
	}
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	asked := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		return page{}, 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return page{}, 0, err
	}
	if answer.StatusCode != http.StatusOK {
		return page{}, 0, fmt.Errorf("status %d: %s", answer.StatusCode, text)
	}
	got, err := parse(string(text))
	return got, time.Since(asked), err
}

// add checks a scrape against those before it and keeps it.
func (r *recording) add(p page, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scrapes++
	r.slowest = max(r.slowest, took)
	r.last = max(r.last+1, time.Now().UnixMilli())
	r.identity(p)
	for series, v := range p.values {
		name, _, _ := cutName(series)
		if !counts(name) {
			continue
		}
		known := r.tracks[series]
		if known == nil {
			known = &track{Series: series}
			r.tracks[series] = known
		}
		if n := len(known.Values); n > 0 && v < known.Values[n-1] {
			r.fallen(name, series, known.Values[n-1], v, p)
		}
		if at, ok := p.created[series]; ok {
			if before, known := r.created[series]; known && before != at && inLedger(name) {
				r.complain("the start time of %s moved from %f to %f", series, before, at)
			}
			r.created[series] = at
		}
		if inLedger(name) {
			known.Times, known.Values = append(known.Times, r.last), append(known.Values, v)
		} else { // only the last is looked at
			known.Times, known.Values = append(known.Times[:0], r.last), append(known.Values[:0], v)
		}
	}
}

// fallen judges a series that is lower than before. One of the ledger never
// falls. One of the process begins anew with the process, and says so by its
// start time, unless it is Go's own and has none.
func (r *recording) fallen(name, series string, before, now float64, p page) {
	at, dated := p.created[series]
	if inLedger(name) || dated && at == r.created[series] {
		r.complain("%s fell from %v to %v", series, before, now)
	}
}

// identity checks that every record that was read is accounted for.
func (r *recording) identity(p page) {
	records, counted := p.sum("flowlog_records_total"), p.sum("flowlog_records_counted_total")
	if rest := p.sum("flowlog_records_skipped_total") + p.sum("flowlog_records_unmatched_total"); records != counted+rest {
		r.complain("%v records, but %v counted and %v not", records, counted, rest)
	}
	flows := p.sum("flowlog_received_flows_total") + p.sum("flowlog_sent_flows_total") + p.sum("flowlog_denied_flows_total")
	if counted != flows {
		r.complain("%v records counted, but %v flows", counted, flows)
	}
}

// complain fails the test; after a few times it is only counted.
func (r *recording) complain(format string, args ...any) {
	r.wrong++
	if r.wrong <= 20 {
		r.t.Errorf(format, args...)
	}
}

// forget lets the series begin anew, after a reset that was wanted.
func (r *recording) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.tracks)
	clear(r.created)
}

// latest returns the newest value of each series of the ledger.
func (r *recording) latest() map[string]float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	values := map[string]float64{}
	for series, t := range r.tracks {
		if name, _, _ := cutName(series); inLedger(name) {
			values[series] = t.Values[len(t.Values)-1]
		}
	}
	return values
}

// ask lets Prometheus' own engine evaluate the expressions over the recording,
// and returns the values by expression and labels.
func (r *recording) ask(expressions ...string) map[string]map[string]float64 {
	r.t.Helper()
	program, err := programs.promql()
	if err != nil {
		r.t.Fatal(err)
	}
	var in, out, complaint bytes.Buffer
	r.mu.Lock()
	lines := json.NewEncoder(&in)
	for _, series := range slices.Sorted(maps.Keys(r.tracks)) {
		if name, _, _ := cutName(series); inLedger(name) {
			err = errors.Join(err, lines.Encode(r.tracks[series]))
		}
	}
	r.mu.Unlock()
	cmd := exec.CommandContext(r.t.Context(), program, expressions...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &complaint
	if err := errors.Join(err, cmd.Run()); err != nil {
		r.t.Fatalf("promql: %v\n%s", err, &complaint)
	}
	answers := map[string]map[string]float64{}
	for d := json.NewDecoder(&out); d.More(); {
		var a struct {
			Expression, Series string
			Value              float64
		}
		if err := d.Decode(&a); err != nil {
			r.t.Fatal(err)
		}
		if answers[a.Expression] == nil {
			answers[a.Expression] = map[string]float64{}
		}
		answers[a.Expression][strings.ReplaceAll(a.Series, `", `, `",`)] = a.Value
	}
	return answers
}

// increases checks that PromQL over all scrapes gives the wanted numbers, with no
// reset, and returns how many series were asked for.
//
// increase() extrapolates to the ends of its range, so that in general it is no
// whole number. Here it is exact, and is compared as such: the range ends at the
// last sample, and on the left a counter is followed back to where it was 0 and
// no further, which is the first sample, because every series of a known subnet
// is scraped at 0 before the first record is put. What is left is the sum of the
// steps and, for each step down, the whole value before it: one lost commit that
// was public shows as double the traffic. tools/promql tests this against the
// engine, with scrapes missing too.
func (r *recording) increases(want map[string]float64) int {
	r.t.Helper()
	names := map[string]bool{}
	for series := range want {
		name, _, _ := cutName(series)
		names[name] = true
	}
	var expressions []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		expressions = append(expressions, "increase("+name+"[$whole])", "resets("+name+"[$whole])")
	}
	answers := r.ask(expressions...)
	for series, v := range want {
		name, labels, _ := cutName(series)
		got, ok := answers["increase("+name+"[$whole])"][labels]
		resets := answers["resets("+name+"[$whole])"][labels]
		if !ok || got != v || resets != 0 {
			r.complain("increase(%s) over all scrapes is %v (there: %t) with %v resets, want %v with none", series, got, ok, resets, v)
		}
	}
	return len(want)
}

// unbroken checks that no series of the ledger has a reset in PromQL, those
// without a truth included, and returns how many there are.
func (r *recording) unbroken() (n int) {
	r.t.Helper()
	names := map[string]bool{}
	r.mu.Lock()
	for series := range r.tracks {
		if name, _, _ := cutName(series); inLedger(name) {
			names[name] = true
		}
	}
	r.mu.Unlock()
	var expressions []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		expressions = append(expressions, "resets("+name+"[$whole])")
	}
	for expression, series := range r.ask(expressions...) {
		for labels, resets := range series {
			n++
			if resets != 0 {
				r.complain("%s of %s is %v", expression, labels, resets)
			}
		}
	}
	return n
}
