package source

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
)

// fault is something that Kinesis or the network does on a bad day.
type fault string

const (
	throttled  fault = "throttled"
	expired    fault = "expired"
	empty      fault = "empty page with data behind"
	broken500  fault = "500"
	broken503  fault = "503"
	slow       fault = "slow answer"
	reset      fault = "connection reset"
	truncated  fault = "truncated body"
	blank      fault = "blank answer"
	repeated   fault = "page that comes again"
	resharding fault = "split and merge" // done by the scenario, not on the wire
)

var faults = []fault{throttled, expired, empty, broken500, broken503, slow, reset, truncated, blank, repeated, resharding}

// hostile stands before the endpoint. Which call is struck by which fault
// follows from the seed, the shard and the number of the call on that shard
// alone, however the shards take turns.
type hostile struct {
	kinesis *demo.Kinesis
	seed    uint64
	faults  []fault
	// limit is the most records of an answer, so that there are many answers.
	limit int
	// slowest bounds a slow answer.
	slowest time.Duration

	mu         sync.Mutex
	calls      map[string]int
	arrivals   map[string][]time.Time
	passed     map[string]string // the last iterator that was answered, by shard
	violations []string
	struck     map[fault]int
	total      int
	busiest    int
	records    int // wanted, counted by the writer
}

func (h *hostile) prepare() {
	h.calls, h.arrivals, h.struck, h.passed = map[string]int{}, map[string][]time.Time{}, map[fault]int{}, map[string]string{}
	h.limit = 3
}

// ServeHTTP implements http.Handler.
func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in map[string]any
	_ = json.Unmarshal(body, &in)
	shard := shardIn(in)
	f, delay := h.strike(op, shard, in["NextToken"] != nil)
	select {
	case <-time.After(delay): // on the way here
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
	if h.tooOften(op + " " + shard) {
		f = throttled
	}
	switch f {
	case throttled:
		refuse(w, 400, "ProvisionedThroughputExceededException", "Rate exceeded for shard "+shard)
		return
	case expired:
		if op == "ListShards" {
			refuse(w, 400, "ExpiredNextTokenException", "The pagination token is expired.")
		} else {
			refuse(w, 400, "ExpiredIteratorException", "Iterator expired.")
		}
		return
	case empty:
		_ = json.NewEncoder(w).Encode(map[string]any{
			"Records": []any{}, "NextShardIterator": in["ShardIterator"], "MillisBehindLatest": 5000,
		})
		return
	case broken500:
		refuse(w, 500, "InternalFailureException", "")
		return
	case broken503:
		w.WriteHeader(503)
		_, _ = io.WriteString(w, "<html>Service Unavailable</html>")
		return
	case blank:
		_, _ = io.WriteString(w, "{}")
		return
	case reset:
		panic(http.ErrAbortHandler)
	case truncated:
		h.truncate(w, r, in)
	case repeated:
		h.repeat(in, shard)
	}
	h.pass(w, r, in)
}

// pass lets the endpoint answer, in small pages.
func (h *hostile) pass(w http.ResponseWriter, r *http.Request, in map[string]any) {
	if in["ShardIterator"] != nil {
		in["Limit"] = h.limit
	}
	body, _ := json.Marshal(in)
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	h.kinesis.ServeHTTP(w, r)
	if token, ok := in["ShardIterator"].(string); ok {
		h.mu.Lock()
		h.passed[shardIn(in)] = token
		h.mu.Unlock()
	}
}

// repeat has the page before answered once more.
func (h *hostile) repeat(in map[string]any, shard string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked, _ := in["ShardIterator"].(string)
	var now, before struct{ After, Born uint64 }
	if unpack(asked, &now) && unpack(h.passed[shard], &before) && before.Born == now.Born && before.After < now.After {
		in["ShardIterator"] = h.passed[shard]
	}
}

func unpack(token string, v any) bool {
	text, err := base64.StdEncoding.DecodeString(token)
	return err == nil && json.Unmarshal(text, v) == nil
}

// truncate sends the first half of the answer and hangs up.
func (h *hostile) truncate(w http.ResponseWriter, r *http.Request, in map[string]any) {
	whole := httptest.NewRecorder()
	h.pass(whole, r, in)
	maps.Copy(w.Header(), whole.Header())
	w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()))
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	panic(http.ErrAbortHandler)
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind, "message": message})
}

// shardIn is the shard of a call: named, or within the iterator.
func shardIn(in map[string]any) string {
	if id, ok := in["ShardId"].(string); ok {
		return id
	}
	token, _ := in["ShardIterator"].(string)
	var it struct{ Shard string }
	unpack(token, &it)
	return it.Shard
}

// strike chooses what befalls a call, and how long it is on the way.
func (h *hostile) strike(op, shard string, paged bool) (f fault, delay time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := op + " " + shard
	h.total++
	h.calls[key]++
	dice := h.dice(key)
	if len(h.faults) == 0 || dice.IntN(100) >= 30 {
		return "", 0
	}
	f = h.faults[dice.IntN(len(h.faults))]
	switch {
	case f == resharding, (f == empty || f == repeated) && op != "GetRecords", f == expired && op != "GetRecords" && !paged:
		return "", 0 // does not happen to this call
	case f == slow && dice.IntN(2) == 0:
		delay = time.Duration(dice.Int64N(int64(300 * time.Millisecond)))
	case f == slow:
		delay = time.Duration(dice.Int64N(int64(h.slowest)))
	}
	h.struck[f]++
	return f, delay
}

// tooOften holds the arrival of a call against the bounds of AWS: a shard takes
// 5 GetRecords and 5 GetShardIterator a second.
func (h *hostile) tooOften(key string) bool {
	if strings.HasSuffix(key, " ") {
		return false // of no shard
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.arrivals[key] = append(slices.DeleteFunc(h.arrivals[key], func(t time.Time) bool {
		return now.Sub(t) >= time.Second
	}), now)
	n := len(h.arrivals[key])
	h.busiest = max(h.busiest, n)
	if n > 5 {
		h.violations = append(h.violations, fmt.Sprintf("%d calls of %s within a second", n, key))
	}
	return n > 5
}

func (h *hostile) dice(key string) *rand.Rand {
	sum := fnv.New64a()
	fmt.Fprint(sum, key, h.calls[key])
	return rand.New(rand.NewPCG(h.seed, sum.Sum64()))
}

// memory is a network without wires: the handler answers within the call.
type memory struct{ http.Handler }

// Do implements the HTTP client of the SDK.
func (m memory) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	cut := m.serve(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if cut && w.Body.Len() == 0 {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	resp := w.Result()
	if cut {
		resp.Body = io.NopCloser(io.MultiReader(w.Body, hangUp{}))
	}
	return resp, nil
}

// serve reports whether the handler hung up.
func (m memory) serve(w http.ResponseWriter, r *http.Request) (cut bool) {
	defer func() {
		if p := recover(); p == any(http.ErrAbortHandler) {
			cut = true
		} else if p != nil {
			panic(p)
		}
	}()
	m.ServeHTTP(w, r)
	return false
}

// hangUp is the end of a body that is shorter than announced.
type hangUp struct{}

func (hangUp) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
