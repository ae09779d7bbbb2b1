package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

const (
	// gatheredAtOnce is how often the live metrics are gathered at once at most:
	// for each of the formats, plain and compressed. Scrapes share what they get.
	gatheredAtOnce = 6
	// scrapeTimeout leaves half of the write timeout to the answer.
	scrapeTimeout = 30 * time.Second
)

// formats are what an answer can be in. The first is for those who take any.
var formats = []expfmt.Format{expfmt.FmtText, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtOpenMetrics_0_0_1}

// scraper answers scrapes: the committed page, then the live metrics, gathered
// after the scrape came. What fails of the live metrics is counted in promhttp_*
// and logged, and the rest is served.
type scraper struct {
	committed *Pages
	gatherer  prometheus.Gatherer
	failures  *prometheus.CounterVec // nil goes without
	log       *slog.Logger
	composer  composer
}

// metrics returns the handler of scrapes, with its metrics in the registry.
func (s *Server) metrics() http.Handler {
	h := &scraper{committed: s.Committed, gatherer: s.Gatherer, log: s.logger()}
	h.composer = composer{compose: h.compose, next: make(map[order]*composition, gatheredAtOnce), busy: make(map[order]bool, gatheredAtOnce)}
	if s.Registry == nil {
		return h
	}
	h.failures = failures(s.Registry)
	return promhttp.InstrumentMetricHandler(s.Registry, h)
}

// failures returns the counter of what promhttp's own handler counts, and of
// live metrics that are called as committed ones.
func failures(registry prometheus.Registerer) *prometheus.CounterVec {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "promhttp_metric_handler_errors_total",
		Help: "Total number of internal errors encountered by the promhttp metric handler.",
	}, []string{"cause"})
	var there prometheus.AlreadyRegisteredError
	switch err := registry.Register(counter); {
	case errors.As(err, &there):
		counter = there.ExistingCollector.(*prometheus.CounterVec)
	case err != nil:
		panic(err) // as promhttp does for its other metrics
	}
	for _, cause := range []string{"gathering", "encoding", "overlap"} {
		counter.WithLabelValues(cause)
	}
	return counter
}

// ServeHTTP answers a scrape.
func (s *scraper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	format, zip := expfmt.NegotiateAccept(r.Header, formats...).WithEscapingScheme(escaping), takesGzip(r.Header)
	ctx, cancel := context.WithTimeout(r.Context(), scrapeTimeout)
	defer cancel()
	a, err := s.composer.await(ctx, order{format, zip})
	switch {
	case err != nil && ctx.Err() != nil:
		plain(w, http.StatusServiceUnavailable, fmt.Sprintf("the metrics were not gathered within %v", scrapeTimeout))
		return
	case err != nil:
		plain(w, http.StatusInternalServerError, "the metrics cannot be gathered: "+err.Error())
		return
	}
	defer a.release()
	header(w, string(format))
	h := w.Header()
	h.Set("Vary", "Accept, Accept-Encoding")
	if zip {
		h.Set("Content-Encoding", "gzip")
	}
	a.body.send(w) // without a length, so that the client sees the end after the scrape is noted
}

// compose returns the answer in the format, which has the page until it is
// released. It fails when there is neither a page nor a live metric.
func (s *scraper) compose(format expfmt.Format, zip bool) (*body, error) {
	page := s.committed.take()
	b, err := s.complete(page, format, zip)
	if err != nil {
		page.done()
	}
	return b, err
}

// complete returns the page with the live metrics behind it.
func (s *scraper) complete(page *page, format expfmt.Format, zip bool) (*body, error) {
	families, err := s.gather()
	if err != nil {
		s.failed("gathering", err)
		if page == nil && len(families) == 0 {
			return nil, err
		}
	}
	live := buffer()
	encoder := encoder(live, format)
	for _, family := range families {
		if name := page.claims(family); name != "" {
			s.failed("overlap", fmt.Errorf("the metric %s is among the committed ones; the live one is left out", name))
			continue
		}
		before := live.Len()
		if err := encoder.Encode(family); err != nil {
			live.Truncate(before)
			s.failed("encoding", err)
		}
	}
	if err := encoder.(expfmt.Closer).Close(); err != nil { // "# EOF" of OpenMetrics
		return nil, err
	}
	var k kind
	if format.FormatType() == expfmt.TypeOpenMetrics {
		k |= inOpenMetrics
	}
	if zip {
		return zipped(page, page.form(k|compressed), live)
	}
	return &body{page: page, form: page.form(k), live: live}, nil
}

// gather turns a panic into an error: it is not on the goroutine of the request,
// where the server would catch it.
func (s *scraper) gather() (families []*dto.MetricFamily, err error) {
	defer func() {
		if v := recover(); v != nil {
			families, err = nil, fmt.Errorf("gathering panicked: %v", v)
		}
	}()
	return s.gatherer.Gather()
}

func (s *scraper) failed(cause string, err error) {
	if s.failures != nil {
		s.failures.WithLabelValues(cause).Inc()
	}
	s.log.Error("a scrape lacks metrics", "cause", cause, "err", err)
}

// takesGzip reports whether the client names gzip as an encoding that it takes.
func takesGzip(h http.Header) bool {
	for _, line := range h.Values("Accept-Encoding") {
		for encoding := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(encoding, ";")
			if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
				continue
			}
			quality, found := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q=")
			weight, err := strconv.ParseFloat(quality, 64)
			return !found || err == nil && weight > 0
		}
	}
	return false
}
