//go:build durability

package durability

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// endpoint answers as AWS: Kinesis from the stream, EC2 from the handler, and
// now and then with what AWS does to its callers. Safe for concurrent use.
type endpoint struct {
	kinesis, ec2 http.Handler
	// perMille is how many of a thousand calls of Kinesis go wrong.
	perMille atomic.Int64
	// down lets every call of Kinesis fail.
	down atomic.Bool
	// calls counts the GetRecords that were answered well.
	calls atomic.Int64

	mu     sync.Mutex
	rng    *rand.Rand
	faults map[string]int
}

// mishaps are what can go wrong with a call of Kinesis.
var mishaps = []struct {
	name string
	call string // the one call that it can happen to, all without
	do   func(e *endpoint, w http.ResponseWriter, r *http.Request)
}{
	{"throttled", "GetRecords", refuse(http.StatusBadRequest, "ProvisionedThroughputExceededException", "Rate exceeded for shard.")},
	{"expired iterator", "GetRecords", refuse(http.StatusBadRequest, "ExpiredIteratorException", "Iterator expired.")},
	{"internal failure", "", refuse(http.StatusInternalServerError, "InternalFailure", "")},
	{"unavailable", "", refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "")},
	{"reset", "", func(*endpoint, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	{"cut", "", func(e *endpoint, w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		e.kinesis.ServeHTTP(whole, r)
		text := whole.Body.Bytes()
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = w.Write(text[:len(text)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}},
}

func refuse(status int, kind, message string) func(*endpoint, http.ResponseWriter, *http.Request) {
	return func(_ *endpoint, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"__type":"`+kind+`","message":"`+message+`"}`)
	}
}

// ServeHTTP implements http.Handler.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case !strings.HasPrefix(service, "Kinesis"):
		e.ec2.ServeHTTP(w, r)
	case e.down.Load():
		mishaps[2].do(e, w, r)
	case e.mishap(w, r, call):
	default:
		if call == "GetRecords" {
			e.calls.Add(1)
		}
		e.kinesis.ServeHTTP(w, r)
	}
}

// mishap lets one call in a thousand or more go wrong, and reports whether it did.
func (e *endpoint) mishap(w http.ResponseWriter, r *http.Request, call string) bool {
	e.mu.Lock()
	m := mishaps[e.rng.IntN(len(mishaps))]
	on := e.rng.Int64N(1000) < e.perMille.Load() && (m.call == "" || m.call == call)
	if on {
		e.faults[m.name]++
	}
	e.mu.Unlock()
	if on {
		m.do(e, w, r)
	}
	return on
}

// happened returns how many calls went wrong.
func (e *endpoint) happened() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, times := range e.faults {
		n += times
	}
	return n
}

// clock is the endpoint's, which can be put forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }
