// Package endpoint speaks the wire format of Kinesis and serves prepared
// answers, so that what is measured is who reads them. Every body is a delivery
// of its own, for one that comes again would be passed over.
package endpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Stream is a stream of equal shards. Its fields are set before Serve.
type Stream struct {
	// Shards is how many shards there are.
	Shards int
	// Pages is how many answers with records each shard has to give.
	Pages int
	// PageBodies is how many records an answer has: 92 of 4.4 KiB, five
	// times a second, are the 2 MB a second that a shard gives at most.
	PageBodies int
	// Bodies are what is served, over and over.
	Bodies []*Body

	born   time.Time
	open   atomic.Bool
	stamps atomic.Uint64 // bodies served so far

	answers sync.Pool // of *[]byte, memory for answers to come

	mu    sync.Mutex
	ended map[int]bool // shards whose last page was handled
	done  chan struct{}
}

// Account, Region and Name are those of the stream.
const (
	Account = "123456789012"
	Region  = "eu-west-1"
	Name    = "bench"
)

// Serve answers on a free port of this machine until close is called. No
// records are served before Open.
func (s *Stream) Serve() (url string, closeAll func(), err error) {
	s.born, s.ended, s.done = time.Now().Add(-time.Hour), make(map[int]bool), make(chan struct{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

// Open lets the records flow.
func (s *Stream) Open() { s.open.Store(true) }

// Done is closed when every shard was asked for more than it has: a reader asks
// only when it has handled what it got.
func (s *Stream) Done() <-chan struct{} { return s.done }

// end notes that a shard was read to its end.
func (s *Stream) end(shard int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended[shard] {
		return
	}
	s.ended[shard] = true
	if len(s.ended) == s.Shards {
		close(s.done)
	}
}

// Served is how many flow records a reader has got that has read everything.
func (s *Stream) Served() (records uint64) {
	for n := range s.Shards * s.Pages * s.PageBodies {
		records += uint64(s.Bodies[n%len(s.Bodies)].Records)
	}
	return records
}

// ServeHTTP answers one call in the protocol awsJson1.1.
func (s *Stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ ShardID, ShardIterator string }
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(bytes.ReplaceAll(body, []byte(`"ShardId"`), []byte(`"ShardID"`)), &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch operation {
	case "DescribeStreamSummary":
		answer(w, map[string]any{"StreamDescriptionSummary": s.summary()})
	case "ListShards":
		answer(w, map[string]any{"Shards": s.shards()})
	case "GetShardIterator":
		number, _ := strconv.Atoi(strings.TrimPrefix(in.ShardID, "shardId-"))
		answer(w, map[string]any{"ShardIterator": iterator(number, 0)})
	case "GetRecords":
		s.records(w, in.ShardIterator)
	default:
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]any{"__type": "UnknownOperationException", "message": operation})
	}
}

// answer writes JSON to a client; one that went away needs none.
func answer(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) }

func (s *Stream) summary() map[string]any {
	return map[string]any{
		"StreamName": Name, "StreamARN": "arn:aws:kinesis:" + Region + ":" + Account + ":stream/" + Name, "StreamStatus": "ACTIVE",
		"OpenShardCount": s.Shards, "RetentionPeriodHours": 24, "ConsumerCount": 0, "EnhancedMonitoring": []any{},
		"StreamCreationTimestamp": float64(s.born.Unix()), "StreamModeDetails": map[string]string{"StreamMode": "PROVISIONED"},
	}
}

func (s *Stream) shards() (list []any) {
	for i := range s.Shards {
		list = append(list, map[string]any{
			"ShardId":             fmt.Sprintf("shardId-%012d", i),
			"HashKeyRange":        map[string]string{"StartingHashKey": strconv.Itoa(i * 1000), "EndingHashKey": strconv.Itoa(i*1000 + 999)},
			"SequenceNumberRange": map[string]string{"StartingSequenceNumber": sequence(0)},
		})
	}
	return list
}

// iterator points at a page of a shard.
func iterator(shard, page int) string { return fmt.Sprintf("%d/%d", shard, page) }

// sequence numbers have 56 digits.
func sequence(n int) string { return fmt.Sprintf("49%054d", n) }

// records answers GetRecords. A shard that has given all its pages, or does not
// give yet, is caught up.
func (s *Stream) records(w http.ResponseWriter, at string) {
	var shard, page int
	if _, err := fmt.Sscanf(at, "%d/%d", &shard, &page); err != nil {
		answer(w, map[string]any{"__type": "InvalidArgumentException", "message": "Invalid ShardIterator."})
		return
	}
	open := s.open.Load()
	if open && page >= s.Pages {
		s.end(shard)
	}
	if !open || page >= s.Pages {
		answer(w, map[string]any{"MillisBehindLatest": 0, "NextShardIterator": at, "Records": []any{}})
		return
	}
	space, _ := s.answers.Get().(*[]byte)
	if space == nil {
		space = new([]byte)
	}
	defer s.answers.Put(space)
	b := fmt.Appendf((*space)[:0], `{"MillisBehindLatest":%d,"NextShardIterator":"%s","Records":[`, (s.Pages-page-1)*1000, iterator(shard, page+1))
	for i := range s.PageBodies {
		if i > 0 {
			b = append(b, ',')
		}
		n := page*s.PageBodies + i
		body := s.Bodies[(shard*s.Pages*s.PageBodies+n)%len(s.Bodies)]
		b = fmt.Appendf(b, `{"ApproximateArrivalTimestamp":%d,"Data":"`, time.Now().Unix())
		b = body.appendBase64(b, s.stamps.Add(1))
		b = append(append(append(b, `","PartitionKey":"k","SequenceNumber":"`...), sequence(n+1)...), `"}`...)
	}
	b = append(b, "]}"...)
	*space = b
	w.Header().Set("Content-Length", strconv.Itoa(len(b))) // as Kinesis announces it
	_, _ = w.Write(b)
}
