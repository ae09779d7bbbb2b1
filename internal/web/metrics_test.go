package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

const (
	openMetrics = "application/openmetrics-text;version=1.0.0"
	// prometheusAccept is what Prometheus 3 asks for when it prefers protobuf.
	prometheusAccept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," +
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4," +
		"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)

// answered returns what the handler says to a scrape.
func answered(h http.Handler, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// unzip returns the content of the one gzip member that data is.
func unzip(t *testing.T, data []byte) string {
	t.Helper()
	in := bytes.NewReader(data) // has ReadByte, so that nothing is read beyond the member
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if in.Len() > 0 {
		t.Errorf("%d bytes after the member", in.Len())
	}
	return string(text)
}

// TestWholeAnswer: page and live metrics are one answer by the rules of its
// format, and the same one compressed.
func TestWholeAnswer(t *testing.T) {
	all := map[string]*Pages{
		"never": nil, "none": {}, "empty": pages(t, nil), "one": pages(t, committed(1, 1)), "many": pages(t, committed(300, 12345)),
	}
	gatherers := map[string]prometheus.Gatherer{"nothing": prometheus.NewRegistry(), "live": registry()}
	for name, p := range all {
		for live, gatherer := range gatherers {
			for accept, check := range map[string]func(string) error{"": checkText, openMetrics: checkOpenMetrics} {
				t.Run(name+" and "+live+" "+accept, func(t *testing.T) {
					h := (&Server{Committed: p, Gatherer: gatherer}).handler()
					identity := answered(h, "Accept", accept)
					text := identity.Body.String()
					if err := check(text); err != nil {
						t.Errorf("%v in\n%.2000s", err, text)
					}
					if got := strings.Contains(text, "flowlog_test_bytes_total{"); got != (name == "one" || name == "many") {
						t.Errorf("committed metrics: %v", got)
					}
					if got := strings.Contains(text, "flowlog_live_total{"); got != (live == "live") {
						t.Errorf("live metrics: %v", got)
					}
					packed := answered(h, "Accept", accept, "Accept-Encoding", "gzip")
					size := packed.Body.Len()
					if unzip(t, packed.Body.Bytes()) != text {
						t.Error("gzip differs from identity")
					}
					if name == "many" && size > len(text)/5 {
						t.Errorf("%d bytes compressed to %d", len(text), size)
					}
				})
			}
		}
	}
}

func TestNegotiation(t *testing.T) {
	const (
		text = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
		om1  = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
		om0  = "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores"
	)
	tests := []struct{ accept, encoding, wantType, wantEncoding string }{
		{"", "", text, ""},
		{"*/*", "*", text, ""},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "gzip, deflate, br, zstd", text, "gzip"},
		{"text/plain", "identity", text, ""},
		{openMetrics, "gzip", om1, "gzip"},
		{openMetrics + ";q=0.5,text/plain;version=0.0.4", "gzip;q=0", text, ""},
		{"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "br, GZIP ; q=0.5", om0, "gzip"},
		{"application/openmetrics-text;version=9.0", "deflate", text, ""},
		{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", "gzip;q=x", text, ""},
		{prometheusAccept, "gzip", om1, "gzip"},
		{"text/plain;version=0.0.4;escaping=dots", "x-gzip", text, ""},
	}
	h := (&Server{Committed: pages(t, committed(10, 1)), Gatherer: registry()}).handler()
	for _, tt := range tests {
		t.Run(tt.accept+" "+tt.encoding, func(t *testing.T) {
			got := answered(h, "Accept", tt.accept, "Accept-Encoding", tt.encoding)
			if typ, enc := got.Header().Get("Content-Type"), got.Header().Get("Content-Encoding"); typ != tt.wantType || enc != tt.wantEncoding {
				t.Errorf("got %s %q, want %s %q", typ, enc, tt.wantType, tt.wantEncoding)
			}
		})
	}
}

// TestOverlap: a live metric must not repeat a committed one.
func TestOverlap(t *testing.T) {
	for name, clash := range map[string]prometheus.Collector{
		"the same":            prometheus.NewCounter(prometheus.CounterOpts{Name: "flowlog_test_bytes_total", Help: "Live."}),
		"same in OpenMetrics": prometheus.NewGauge(prometheus.GaugeOpts{Name: "flowlog_test_bytes", Help: "Live."}),
		"sample":              prometheus.NewGauge(prometheus.GaugeOpts{Name: "flowlog_test_size_bytes_bucket", Help: "Live."}),
	} {
		t.Run(name, func(t *testing.T) {
			live := registry()
			live.MustRegister(clash)
			h := (&Server{Committed: pages(t, committed(1, 5)), Gatherer: live, Registry: live}).handler()
			for range 2 {
				text := answered(h, "Accept", openMetrics).Body.String()
				if err := checkOpenMetrics(text); err != nil || strings.Contains(text, "Live.\n# TYPE flowlog_test") {
					t.Errorf("%v in\n%s", err, text)
				}
			}
			if text, want := answered(h).Body.String(), `promhttp_metric_handler_errors_total{cause="overlap"} 2`; !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		})
	}
}

type gatherer func() ([]*dto.MetricFamily, error)

func (g gatherer) Gather() ([]*dto.MetricFamily, error) { return g() }

// TestLiveFails: what is committed is served whatever happens to the live metrics.
func TestLiveFails(t *testing.T) {
	fine, bad := committed(1, 1)[1], &dto.MetricFamily{Name: ptr("flowlog_bad"), Type: dto.MetricType_GAUGE.Enum(), Metric: []*dto.Metric{{}}}
	tests := []struct {
		name    string
		gather  gatherer
		alone   int // status without a page
		counted string
	}{
		{"fails", func() ([]*dto.MetricFamily, error) { return nil, errors.New("on purpose") }, 500, "gathering"},
		{"panics", func() ([]*dto.MetricFamily, error) { panic("on purpose") }, 500, "gathering"},
		{"fails in part", func() ([]*dto.MetricFamily, error) { return []*dto.MetricFamily{fine}, errors.New("on purpose") }, 200, "gathering"},
		{"no value", func() ([]*dto.MetricFamily, error) { return []*dto.MetricFamily{bad, fine}, nil }, 200, "encoding"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			about := prometheus.NewRegistry()
			s := &Server{Gatherer: tt.gather, Registry: about, Committed: pages(t, committed(1, 1)[:1])}
			got := answered(s.handler(), "Accept", openMetrics)
			if err := checkOpenMetrics(got.Body.String()); err != nil || got.Code != 200 || !strings.Contains(got.Body.String(), "flowlog_test_bytes_total") || strings.Contains(got.Body.String(), "flowlog_bad") {
				t.Errorf("got %d, %v\n%s", got.Code, err, got.Body)
			}
			if !s.ScrapedRecently(time.Hour) {
				t.Error("is no scrape")
			}
			s.Committed = nil
			if got := answered(s.handler()); got.Code != tt.alone {
				t.Errorf("without a page: got %d\n%s", got.Code, got.Body)
			}
			want := `promhttp_metric_handler_errors_total{cause="` + tt.counted + `"} 2`
			if text := answered((&Server{Gatherer: about}).handler()).Body.String(); !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		})
	}
}

// TestScrapesShareAnAnswer: those who come while one is made get the next one,
// all of them, and never one whose making began before they came.
func TestScrapesShareAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gathered, goOn := 0, make(chan struct{})
		s := &Server{Committed: pages(t, committed(1, 1)), Gatherer: gatherer(func() ([]*dto.MetricFamily, error) {
			<-goOn
			gathered++
			value := float64(gathered)
			kind := dto.MetricType_GAUGE
			return []*dto.MetricFamily{{Name: new("gatherings"), Type: &kind, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &value}}}}}, nil
		})}
		h, texts := s.handler(), make(chan string)
		scrape := func() { texts <- answered(h).Body.String() }
		expect := func(n int, want string) {
			for range n {
				if text := <-texts; !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		}
		go scrape()
		synctest.Wait() // the first is being made
		for range 100 {
			go scrape()
		}
		synctest.Wait()
		goOn <- struct{}{}
		expect(1, "gatherings 1")
		goOn <- struct{}{}
		expect(100, "gatherings 2")
		synctest.Wait()
		if refs := s.Committed.current.refs; refs != 1 {
			t.Errorf("%d still have the page", refs-1)
		}
	})
}

// TestStuckGatherer: scrapes that get no live metrics in time end, and all is
// well when the gatherer is.
func TestStuckGatherer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		healed := make(chan struct{})
		s := &Server{Committed: pages(t, committed(1, 1)), Gatherer: gatherer(func() ([]*dto.MetricFamily, error) {
			<-healed
			return registry().Gather()
		})}
		h, status := s.handler(), make(chan int)
		begin := time.Now()
		for range 2 * gatheredAtOnce {
			go func() { status <- answered(h).Code }()
		}
		for range 2 * gatheredAtOnce {
			if got := <-status; got != http.StatusServiceUnavailable {
				t.Errorf("got %d", got)
			}
		}
		if waited := time.Since(begin); waited != scrapeTimeout {
			t.Errorf("waited %v", waited)
		}
		if s.ScrapedRecently(time.Hour) {
			t.Error("a 503 is a scrape")
		}
		close(healed)
		if got := answered(h); got.Code != 200 {
			t.Errorf("got %d\n%s", got.Code, got.Body)
		}
		synctest.Wait()
		if refs := s.Committed.current.refs; refs != 1 {
			t.Errorf("%d still have the page", refs-1)
		}
	})
}
