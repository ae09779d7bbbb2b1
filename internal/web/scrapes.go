package web

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// scrapes remembers what was delivered, and to whom that matters.
type scrapes struct {
	mu      sync.Mutex
	last    time.Time // of the last complete scrape
	epoch   uint64    // grows with every wait, so that a scrape knows which it follows
	waiting []waiter
}

// waiter waits for a scrape that began at its epoch or later.
type waiter struct {
	epoch uint64
	done  chan struct{}
}

// ExpectScrape returns a function that waits for one more scrape: it blocks
// until a complete answer of the metrics was delivered whose request came after
// ExpectScrape was called, and returns nil; or until ctx ends, and returns its
// error. Call it once; Serve must be running all the while.
func (s *Server) ExpectScrape() (await func(context.Context) error) {
	w := s.scrapes.join()
	return func(ctx context.Context) error {
		defer s.scrapes.leave(w)
		select {
		case <-w.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ScrapedRecently reports whether a complete answer of the metrics was delivered
// in the last d.
func (s *Server) ScrapedRecently(d time.Duration) bool {
	s.scrapes.mu.Lock()
	defer s.scrapes.mu.Unlock()
	return !s.scrapes.last.IsZero() && time.Since(s.scrapes.last) <= d
}

func (s *scrapes) join() waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
	w := waiter{s.epoch, make(chan struct{})}
	s.waiting = append(s.waiting, w)
	return w
}

func (s *scrapes) leave(w waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(other waiter) bool { return other == w })
}

func (s *scrapes) begin() (epoch uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch
}

func (s *scrapes) delivered(epoch uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	s.waiting = slices.DeleteFunc(s.waiting, func(w waiter) bool {
		if w.epoch > epoch {
			return false
		}
		close(w.done)
		return true
	})
}

// watch tells which answers of next were delivered whole.
func (s *scrapes) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		epoch, answer := s.begin(), &answer{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		// A HEAD is not a scrape.
		if r.Method == http.MethodGet && answer.delivered() && r.Context().Err() == nil {
			s.delivered(epoch)
		}
	})
}

// answer notes how answering went.
type answer struct {
	http.ResponseWriter
	status int
	err    error
}

// Unwrap lets http.ResponseController reach what the connection can do.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(p)
	if a.err == nil {
		a.err = err
	}
	return n, err
}

// delivered hands the rest to the system and reports whether all went well.
func (a *answer) delivered() bool {
	flushed := http.NewResponseController(a.ResponseWriter).Flush()
	return a.status == http.StatusOK && a.err == nil && flushed == nil
}
