package source

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// shop is S3 with one bucket and SQS with one queue, as AWS documents them: each
// message at least once, in no order, and visible again when its time is over.
type shop struct {
	// before may answer a call in the place of AWS, and says so.
	before func(w http.ResponseWriter, op string, body []byte, r *http.Request) bool
	// attributes are those of the queue; maxReceives, when set, is the bound
	// of its redrive policy.
	attributes  map[string]string
	maxReceives int

	mu       sync.Mutex
	objects  map[string][]byte // by key
	messages []*parcel
	dead     []string // bodies that the redrive policy took
	calls    map[string]int
	receipts int
}

// parcel is a message in the queue.
type parcel struct {
	id, body, receipt string
	receives          int
	visible           time.Time
	deleted           bool
}

const shopBucket = "logs"

func newShop() *shop {
	return &shop{attributes: map[string]string{"VisibilityTimeout": "30"}, objects: map[string][]byte{}, calls: map[string]int{}}
}

// put stores an object and returns the notification of it.
func (s *shop) put(key, content string) (notification string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = []byte(content)
	return fmt.Sprintf(`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1","eventName":"ObjectCreated:Put",`+
		`"s3":{"s3SchemaVersion":"1.0","bucket":{"name":%q},"object":{"key":%q,"size":%d,"eTag":%q,"sequencer":"0055AED6DCD90281E5"}}}]}`,
		shopBucket, url.QueryEscape(key), len(content), etagOf([]byte(content)))
}

func etagOf(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}

// send puts messages into the queue.
func (s *shop) send(bodies ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, body := range bodies {
		s.messages = append(s.messages, &parcel{id: strconv.Itoa(len(s.messages)), body: body})
	}
}

// add puts an object and sends its notification.
func (s *shop) add(key, content string) { s.send(s.put(key, content)) }

// left counts the messages that were neither deleted nor taken away.
func (s *shop) left() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if !m.deleted {
			n++
		}
	}
	return n
}

// parcels returns the messages as they are now.
func (s *shop) parcels() (now []parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		now = append(now, *m)
	}
	return now
}

// called returns how often an operation was called.
func (s *shop) called(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

// ServeHTTP answers both services.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, op, queue := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !queue {
		op = "GetObject"
	}
	s.mu.Lock()
	s.calls[op]++
	s.mu.Unlock()
	if s.before != nil && s.before(w, op, body, r) {
		return
	}
	if !queue {
		s.get(w, r)
		return
	}
	var in struct {
		MaxNumberOfMessages, WaitTimeSeconds, VisibilityTimeout int
		Entries                                                 []struct {
			Id, ReceiptHandle string
			VisibilityTimeout int
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	answer := map[string]any{}
	switch op {
	case "GetQueueAttributes":
		answer["Attributes"] = s.attributes
	case "ReceiveMessage":
		answer["Messages"] = s.receive(r.Context(), in.MaxNumberOfMessages, in.WaitTimeSeconds, time.Duration(in.VisibilityTimeout)*time.Second)
	default:
		var done, failed []map[string]any
		for _, e := range in.Entries {
			if s.change(op, e.ReceiptHandle, time.Duration(e.VisibilityTimeout)*time.Second) {
				done = append(done, map[string]any{"Id": e.Id})
			} else {
				failed = append(failed, map[string]any{"Id": e.Id, "SenderFault": true, "Code": "ReceiptHandleIsInvalid", "Message": "expired"})
			}
		}
		answer["Successful"], answer["Failed"] = done, failed
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// receive waits for a message, the last one sent first.
func (s *shop) receive(ctx context.Context, n, wait int, visibility time.Duration) []map[string]any {
	for end := time.Now().Add(time.Duration(wait) * time.Second); ; {
		if found := s.take(n, visibility); len(found) > 0 || !time.Now().Before(end) {
			return found
		}
		if !sleep(ctx, 100*time.Millisecond) {
			return nil
		}
	}
}

func (s *shop) take(n int, visibility time.Duration) (found []map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.messages) - 1; i >= 0 && len(found) < n; i-- {
		m := s.messages[i]
		if m.deleted || time.Now().Before(m.visible) {
			continue
		}
		if s.maxReceives > 0 && m.receives >= s.maxReceives {
			m.deleted = true
			s.dead = append(s.dead, m.body)
			continue
		}
		m.receives++
		s.receipts++
		m.receipt, m.visible = fmt.Sprint(m.id, "-", s.receipts), time.Now().Add(visibility)
		sum := md5.Sum([]byte(m.body))
		found = append(found, map[string]any{
			"MessageId": m.id, "ReceiptHandle": m.receipt, "Body": m.body, "MD5OfBody": hex.EncodeToString(sum[:]),
			"Attributes": map[string]string{
				"ApproximateReceiveCount": strconv.Itoa(m.receives), "SentTimestamp": strconv.FormatInt(time.Now().UnixMilli()-5000, 10),
			},
		})
	}
	return found
}

// change deletes or hides a message; only its last receipt is good.
func (s *shop) change(op, receipt string, d time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.receipt == receipt && !m.deleted {
			m.deleted = op == "DeleteMessageBatch"
			m.visible = time.Now().Add(d)
			return true
		}
	}
	return false
}

// get answers GetObject: whole or a part, of one etag.
func (s *shop) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	content, ok := s.objects[strings.TrimPrefix(r.URL.Path, "/"+shopBucket+"/")]
	s.mu.Unlock()
	tag := `"` + etagOf(content) + `"`
	if !ok {
		refuseObject(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	if want := r.Header.Get("If-Match"); want != "" && want != tag {
		refuseObject(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	w.Header().Set("ETag", tag)
	status := http.StatusOK
	if span := r.Header.Get("Range"); span != "" {
		var from, to int
		_, _ = fmt.Sscanf(span, "bytes=%d-%d", &from, &to)
		to = min(to, len(content)-1)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(content)))
		content, status = content[from:to+1], http.StatusPartialContent
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(status)
	_, _ = w.Write(content)
}

// refuseObject answers as S3 refuses.
func refuseObject(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>no</Message></Error>`, code)
}

// refuseQueue answers as SQS refuses.
func refuseQueue(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":"com.amazonaws.sqs#%s","message":"no"}`, code)
}

// customer is an S3 before a shop, within a synctest bubble. It reads streams to
// their end.
type customer struct {
	*S3
	log    lockedBuffer
	reg    *prometheus.Registry
	cancel context.CancelFunc
	ended  chan error

	mu     sync.Mutex
	got    map[string]int    // how often each content was counted
	places map[string]string // what was counted, by its place
}

func newShopReader(s *shop) *customer {
	r := &customer{reg: prometheus.NewRegistry(), got: map[string]int{}, places: map[string]string{}}
	r.S3 = &S3{
		Name: "s3", QueueURL: "https://sqs.eu-west-1.amazonaws.com/123456789012/flow-logs",
		AWS: aws.Config{
			Region: "eu-west-1", HTTPClient: memory{s}, BaseEndpoint: aws.String("http://aws.test"),
			Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
			Retryer:     func() aws.Retryer { return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 2 }) },
		},
		Handler: handlerFunc(func(_ context.Context, body flow.Body) error {
			content, err := io.ReadAll(body.Stream)
			if err != nil {
				return fmt.Errorf("reading: %w", err)
			}
			r.count(body.Place, string(content))
			return nil
		}),
		Metrics: NewMetrics(r.reg), Workers: 4,
	}
	r.Places = r
	r.Logger = slog.New(slog.NewTextHandler(&r.log, nil))
	return r
}

// count is what the ledger does.
func (r *customer) count(place flow.Place, content string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got[content]++
	r.places[place.Partition] = place.Position
}

// Place implements Places.
func (r *customer) Place(partition string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.places[partition]
	return p, ok
}

// Pin implements Places.
func (*customer) Pin(string, string) { panic("S3 pins nothing") }

// Newest implements Memory.
func (r *customer) Newest() (newest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.places {
		newest = max(newest, p)
	}
	return newest
}

func (r *customer) start(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel, r.ended = cancel, make(chan error, 1)
	go func() { r.ended <- r.Run(ctx) }()
}

func (r *customer) stop(t *testing.T) {
	t.Helper()
	asked := time.Now()
	r.cancel()
	if err := <-r.ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if took := time.Since(asked); took > grace+farewell {
		t.Errorf("the end took %v", took)
	}
}

// want fails when not each content was counted once, and nothing else.
func (r *customer) want(t *testing.T, contents ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) != len(contents) {
		t.Errorf("%d contents were counted, want %d", len(r.got), len(contents))
	}
	for _, c := range contents {
		if r.got[c] != 1 {
			t.Errorf("%.40q was counted %d times", c, r.got[c])
		}
	}
}

// metric returns the value of an outcome.
func (r *customer) outcome(o outcome) float64 {
	return testutil.ToFloat64(r.Metrics.object.objects.WithLabelValues("s3", string(o)))
}

// until waits, in the time of the bubble, for what must come within a day.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(24 * time.Hour); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after a day: not %s", what)
		}
	}
}

// text returns n bytes that look alike nowhere.
func text(n int, seed uint64) string {
	rng := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + rng.IntN(26))
	}
	return string(b)
}
