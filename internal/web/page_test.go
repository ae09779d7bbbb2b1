package web

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func ptr[T any](v T) *T { return &v }

func labels(i int) []*dto.LabelPair {
	return []*dto.LabelPair{
		{Name: ptr("cidr"), Value: ptr(fmt.Sprintf("10.%d.%d.0/24", i/256, i%256))},
		{Name: ptr("name"), Value: ptr("a \"quoted\" \\ name\nof two lines: é")},
		{Name: ptr("subnet_id"), Value: ptr(fmt.Sprintf("subnet-%017x", i*7919))},
	}
}

// committed returns families with about the given number of series, all of the
// given value.
func committed(series int, value float64) []*dto.MetricFamily {
	counter := &dto.MetricFamily{Name: ptr("flowlog_test_bytes_total"), Help: ptr("Bytes \\ of\na test."), Type: dto.MetricType_COUNTER.Enum()}
	for i := range series {
		counter.Metric = append(counter.Metric, &dto.Metric{Label: labels(i), Counter: &dto.Counter{
			Value: &value, CreatedTimestamp: &timestamppb.Timestamp{Seconds: 1767225600},
		}})
	}
	return []*dto.MetricFamily{counter, {
		Name: ptr("flowlog_test_age_seconds"), Help: ptr("A gauge."), Type: dto.MetricType_GAUGE.Enum(),
		Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &value}}},
	}, {
		Name: ptr("flowlog_test_size_bytes"), Help: ptr("A histogram."), Type: dto.MetricType_HISTOGRAM.Enum(),
		Metric: []*dto.Metric{{Histogram: &dto.Histogram{
			SampleCount: ptr(uint64(value)), SampleSum: &value,
			Bucket: []*dto.Bucket{{UpperBound: ptr(1.0), CumulativeCount: ptr(uint64(value))}},
		}}},
	}}
}

func pages(t testing.TB, families []*dto.MetricFamily) *Pages {
	t.Helper()
	p := &Pages{}
	if err := p.commit(families); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Pages) commit(families []*dto.MetricFamily) error {
	list, err := Encode(families)
	if err != nil {
		return err
	}
	return p.Publish(list, nil)
}

// registry returns live metrics of every kind that never change.
func registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	live := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "flowlog_live_total", Help: "Live."}, []string{"kind"})
	live.WithLabelValues("a").Add(3)
	live.WithLabelValues("b").Add(1e12)
	size := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "flowlog_live_size_bytes", Help: "Sizes."})
	size.Observe(7)
	r.MustRegister(live, size, prometheus.NewSummary(prometheus.SummaryOpts{Name: "flowlog_live_age_seconds", Help: "Ages."}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "flowlog_live_info", Help: "Info."}, func() float64 { return 1 }))
	return r
}

// suffixes are those of the samples that a family of a type may have in OpenMetrics.
var suffixes = map[string][]string{
	"counter": {"_total"}, "gauge": {""}, "histogram": {"_bucket", "_sum", "_count"}, "summary": {"", "_sum", "_count"},
}

// checkOpenMetrics holds text against the rules of OpenMetrics 1.0 that two
// parts put together could break.
func checkOpenMetrics(text string) error {
	body, ok := strings.CutSuffix(text, "# EOF\n")
	if !ok || strings.Contains(body, "# EOF") {
		return fmt.Errorf("not one # EOF at the end")
	}
	seen := map[string]bool{}
	once := func(what string) error {
		if seen[what] {
			return fmt.Errorf("twice: %s", what)
		}
		seen[what] = true
		return nil
	}
	var family, kind string
	for line := range strings.Lines(body) {
		words := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4)
		switch {
		case !strings.HasSuffix(line, "\n") || len(words) < 2:
			return fmt.Errorf("no line: %q", line)
		case words[0] == "#" && len(words) == 4:
			if err := once(words[1] + " " + words[2]); err != nil {
				return err
			}
			if family != words[2] {
				family, kind = words[2], ""
				if err := once("family " + family); err != nil {
					return err
				}
			}
			if words[1] == "TYPE" {
				kind = words[3]
			}
			continue
		}
		series := line[:strings.LastIndexByte(line, ' ')]
		if err := once("series " + series); err != nil {
			return err
		}
		name, _, _ := strings.Cut(series, "{")
		allowed := false
		for _, suffix := range suffixes[kind] {
			allowed = allowed || name == family+suffix
		}
		if !allowed {
			return fmt.Errorf("%s is no sample of the %s %s", name, kind, family)
		}
	}
	return nil
}

// checkText reads text by the parser and the linter of Prometheus.
func checkText(text string) error {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(text)); err != nil {
		return err
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		return fmt.Errorf("%v, %w", problems, err)
	}
	return nil
}

func TestCheckers(t *testing.T) {
	for _, text := range []string{
		"", "# TYPE a gauge\na 1\n", "# EOF\n# EOF\n", "# TYPE a gauge\n# TYPE a gauge\n# EOF\n", "# TYPE a counter\na 1\n# EOF\n",
		"# TYPE a gauge\na 1\na 2\n# EOF\n", "# TYPE a gauge\n# TYPE b gauge\na 1\n# EOF\n", "# TYPE a counter\na_created 1\n# EOF\n",
		"# TYPE a gauge\na 1\n# TYPE b gauge\n# HELP a A.\n# EOF\n",
	} {
		if checkOpenMetrics(text) == nil {
			t.Errorf("passes: %s", text)
		}
	}
	if checkText("# TYPE a gauge\na 1\n# TYPE a gauge\n") == nil || checkText("# TYPE a counter\na 1\n") == nil {
		t.Error("bad text passes")
	}
}

// TestPublishRefuses: names that clash would spoil every scrape.
func TestPublishRefuses(t *testing.T) {
	family := func(name string, kind dto.MetricType) *dto.MetricFamily {
		return &dto.MetricFamily{Name: &name, Type: &kind, Metric: []*dto.Metric{{
			Counter: &dto.Counter{}, Gauge: &dto.Gauge{}, Histogram: &dto.Histogram{}, Summary: &dto.Summary{},
		}}}
	}
	counter, gauge, histogram, summary := dto.MetricType_COUNTER, dto.MetricType_GAUGE, dto.MetricType_HISTOGRAM, dto.MetricType_SUMMARY
	tests := []struct {
		name     string
		families []*dto.MetricFamily
		want     string
	}{
		{"nothing", nil, ""},
		{"different", []*dto.MetricFamily{family("a_total", counter), family("b", gauge)}, ""},
		{"the same", []*dto.MetricFamily{family("a", gauge), family("a", gauge)}, "the metric a is committed twice"},
		{"the same in OpenMetrics", []*dto.MetricFamily{family("a", gauge), family("a_total", counter)}, "the metric a is committed twice"},
		{"bucket", []*dto.MetricFamily{family("a", histogram), family("a_bucket", gauge)}, "the metric a_bucket is committed twice"},
		{"sum", []*dto.MetricFamily{family("a_sum", gauge), family("a", summary)}, "the metric a_sum is committed twice"},
		{"no metric", []*dto.MetricFamily{{Name: ptr("a"), Type: &gauge}}, "the metric a cannot be written: "},
		{"another type", []*dto.MetricFamily{{Name: ptr("a"), Type: &gauge, Metric: []*dto.Metric{{}}}}, "the metric a cannot be written: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := pages(t, nil)
			before := p.take()
			err := p.commit(tt.families)
			if kept := p.take() == before; kept != (tt.want != "") {
				t.Errorf("the page before is kept: %v", kept)
			}
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
			} else if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestPagesAreGivenBackOnce: when they are neither the current one nor being sent.
func TestPagesAreGivenBackOnce(t *testing.T) {
	var p Pages
	released := map[int]int{}
	publish := func(i int) {
		if err := p.Publish(lined(90), func() { released[i]++ }); err != nil {
			t.Fatal(err)
		}
	}
	p.take().done() // there is none
	publish(0)
	first := p.take()
	second := p.take()
	publish(1)
	first.done()
	if released[0] != 0 {
		t.Error("released while it is sent")
	}
	second.done()
	third := p.take()
	third.done()
	if released[0] != 1 || released[1] != 0 {
		t.Errorf("released %v", released)
	}
	publish(2)
	if released[0] != 1 || released[1] != 1 || released[2] != 0 {
		t.Errorf("released %v", released)
	}
}

// TestABusyPageKeepsItsBytes: the buffers of a page that is being sent are used
// by no later one, in no form.
func TestABusyPageKeepsItsBytes(t *testing.T) {
	var p Pages
	values := func(n uint64) []Family {
		families := lined(900)
		for _, f := range families {
			f.(*rows).value = n
		}
		return families
	}
	if err := p.Publish(values(1), nil); err != nil {
		t.Fatal(err)
	}
	busy := p.take()
	var before [numForms]string
	for k := range kind(numForms) {
		before[k] = string(busy.form(k).data)
	}
	for n := range uint64(5) {
		if err := p.Publish(values(n+2), nil); err != nil {
			t.Fatal(err)
		}
		later := p.take()
		for k := range kind(numForms) {
			if string(later.form(k).data) == before[k] {
				t.Errorf("form %d of the later page is that of the earlier one", k)
			}
		}
		later.done()
	}
	for k := range kind(numForms) {
		if string(busy.form(k).data) != before[k] {
			t.Errorf("form %d has changed", k)
		}
	}
	busy.done()
}

// TestFreshPagesAllocateLittle: rendering page after page in the buffers of
// those before does not allocate by the series.
func TestFreshPagesAllocateLittle(t *testing.T) {
	for k := range kind(numForms) {
		var octets [2]uint64
		for i, series := range []int{900, 50_000} {
			var p Pages
			families := lined(series)
			render := func() {
				if err := p.Publish(families, nil); err != nil {
					t.Fatal(err)
				}
				page := p.take()
				page.form(k)
				page.done()
			}
			render()
			render()
			octets[i] = math.MaxUint64
			// Pools forget when garbage is collected, and under the race detector
			// at random: the best of some counts.
			for range 20 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				render()
				runtime.ReadMemStats(&after)
				octets[i] = min(octets[i], after.TotalAlloc-before.TotalAlloc)
			}
		}
		t.Logf("form %d: %d and %d bytes a page", k, octets[0], octets[1])
		if octets[1] > octets[0]+16<<10 { // compressed, 50,000 series are some 400 KB
			t.Errorf("form %d: %d and %d bytes a page", k, octets[0], octets[1])
		}
	}
}
