package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// held is a gatherer that says when it is asked and answers when it is let.
type held struct {
	asked  chan struct{}
	answer chan struct{}
}

func (h held) Gather() ([]*dto.MetricFamily, error) {
	h.asked <- struct{}{}
	<-h.answer
	return prometheus.NewRegistry().Gather()
}

// scrape asks for the metrics in the background; the channel has the status when
// the whole answer was read.
func scrape(t *testing.T, url string) <-chan int {
	done := make(chan int, 1)
	go func() {
		response, err := client().Get(url)
		if err != nil {
			t.Error(err)
			done <- 0
			return
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Error(err)
		}
		done <- response.StatusCode
	}()
	return done
}

// joined blocks until n calls of ExpectScrape wait.
func joined(s *Server, n int) {
	for {
		s.scrapes.mu.Lock()
		waiting := len(s.scrapes.waiting)
		s.scrapes.mu.Unlock()
		if waiting == n {
			return
		}
	}
}

// TestOnlyALaterScrapeEndsTheWait: only a scrape that began after the call ends the wait.
func TestOnlyALaterScrapeEndsTheWait(t *testing.T) {
	gatherer := held{make(chan struct{}), make(chan struct{})}
	s := &Server{Gatherer: gatherer}
	url := "http://" + start(t, s) + "/metrics"

	early := scrape(t, url)
	<-gatherer.asked
	awaited := make(chan error, 1)
	go func() { awaited <- s.ExpectScrape()(context.Background()) }()
	joined(s, 1)
	gatherer.answer <- struct{}{}
	if status := <-early; status != 200 {
		t.Fatalf("the early scrape got %d", status)
	}
	if !s.ScrapedRecently(time.Hour) {
		t.Error("the early scrape is no scrape")
	}
	if status, _, _ := get(t, strings.TrimSuffix(url, "metrics")); status != 200 {
		t.Fatalf("the landing page got %d", status)
	}
	headed := make(chan error, 1)
	go func() {
		response, err := client().Head(url)
		if err == nil {
			err = response.Body.Close()
		}
		headed <- err
	}()
	<-gatherer.asked
	gatherer.answer <- struct{}{}
	if err := <-headed; err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-awaited:
		t.Fatalf("the wait ended early: %v", err)
	default:
	}
	late := scrape(t, url)
	<-gatherer.asked
	gatherer.answer <- struct{}{}
	if err, status := <-awaited, <-late; err != nil || status != 200 {
		t.Errorf("got %v and %d", err, status)
	}
}

// TestWaitForAScrapeEnds: without a scrape the wait ends with its context and
// leaves nothing behind.
func TestWaitForAScrapeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		if err := s.ExpectScrape()(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if len(s.scrapes.waiting) != 0 {
			t.Error("a waiter is left behind")
		}
	})
}

func TestScrapedRecently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{}
		if s.ScrapedRecently(time.Hour) {
			t.Error("before any scrape")
		}
		s.scrapes.delivered(s.scrapes.begin())
		time.Sleep(time.Minute)
		if !s.ScrapedRecently(time.Minute) || s.ScrapedRecently(time.Minute-1) {
			t.Error("a minute after the scrape")
		}
	})
}

// gone is a connection whose other end has left.
type gone struct{ header http.Header }

func (g gone) Header() http.Header       { return g.header }
func (g gone) WriteHeader(int)           {}
func (g gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
func (g gone) Flush()                    {}

// TestFailedScrapes: what does not arrive, or is no 200, is not a scrape.
func TestFailedScrapes(t *testing.T) {
	unavailable := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	text := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "text") })
	for name, handler := range map[string]http.Handler{"unavailable": unavailable, "lost": text} {
		var s Server
		request, err := http.NewRequest(http.MethodGet, "/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		s.scrapes.watch(handler).ServeHTTP(gone{http.Header{}}, request)
		if s.ScrapedRecently(time.Hour) {
			t.Errorf("%s: counts as a scrape", name)
		}
	}
}

// TestLastScrape: an answer in flight when the server ends is finished.
func TestLastScrape(t *testing.T) {
	gatherer := held{make(chan struct{}), make(chan struct{})}
	s := &Server{Gatherer: gatherer, Addresses: []string{"127.0.0.1:0", "127.0.0.1:0"}}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	last := scrape(t, "http://"+s.Addrs()[1].String()+"/metrics")
	<-gatherer.asked
	cancel()
	gatherer.answer <- struct{}{}
	if status, err := <-last, <-served; status != 200 || err != nil {
		t.Errorf("the last scrape got %d, Serve returned %v", status, err)
	}
	if _, err := client().Get("http://" + s.Addrs()[0].String()); err == nil {
		t.Error("the server answers after its end")
	}
}

// TestServeFails: a listener that breaks ends the server with its error.
func TestServeFails(t *testing.T) {
	s := &Server{Gatherer: prometheus.NewRegistry(), Addresses: []string{"127.0.0.1:0", "127.0.0.1:0"}}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	if err := s.listeners[1].Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context()); err == nil {
		t.Error("Serve returned nil")
	}
}

// TestExpectScrape: what is delivered between the two halves ends the wait.
func TestExpectScrape(t *testing.T) {
	s := &Server{}
	await := s.ExpectScrape()
	s.scrapes.delivered(s.scrapes.begin())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := await(ctx); err != nil {
		t.Error(err)
	}
}
