package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// gate is a Firehose that is served, with what a ledger would know.
type gate struct {
	*Firehose
	*httptest.Server
	log    lockedBuffer
	cancel context.CancelFunc
	ended  chan error

	mu     sync.Mutex
	got    []string          // messages, as they were counted
	places map[string]string // what was counted, by its place
	commit func(context.Context) error
}

// newGate serves a Firehose that change may alter.
func newGate(t *testing.T, change func(*gate)) *gate {
	e := &gate{places: map[string]string{}, ended: make(chan error, 1)}
	e.Firehose = &Firehose{Name: "firehose", Metrics: NewMetrics(nil), Handler: e, Places: e, Commits: e}
	e.Logger = slog.New(slog.NewTextHandler(&e.log, nil))
	if change != nil {
		change(e)
	}
	e.once.Do(e.start) // before a test looks at what that makes
	e.Server = httptest.NewServer(e.Firehose)
	t.Cleanup(e.Close)
	ctx, cancel := context.WithCancel(t.Context())
	e.cancel = cancel
	go func() { e.ended <- e.Run(ctx) }()
	return e
}

// Handle implements Handler.
func (e *gate) Handle(_ context.Context, b flow.Body) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, data := range b.Batch {
		e.got = append(e.got, string(data))
	}
	e.places[b.Place.Partition] = b.Place.Position
	return nil
}

// Place implements Places.
func (e *gate) Place(partition string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, ok := e.places[partition]
	return p, ok
}

// Pin implements Places.
func (*gate) Pin(string, string) { panic("Firehose pins nothing") }

// Newest implements Memory.
func (*gate) Newest() string { return "" }

// Committed implements Commits.
func (e *gate) Committed(ctx context.Context) error {
	if e.commit != nil {
		return e.commit(ctx)
	}
	return nil
}

func (e *gate) want(t *testing.T, messages ...string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if fmt.Sprint(e.got) != fmt.Sprint(messages) {
		t.Errorf("counted %q, want %q", e.got, messages)
	}
}

// delivery is a request as Firehose makes it.
func delivery(url, id string, messages ...string) *http.Request {
	var b strings.Builder
	fmt.Fprintf(&b, `{"requestId":%q,"timestamp":1700000000123,"records":[`, id)
	for i, m := range messages {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"data":%q}`, base64.StdEncoding.EncodeToString([]byte(m)))
	}
	return posted(url, id, b.String()+"]}")
}

func posted(url, id, body string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Amz-Firehose-Protocol-Version": "1.0", "X-Amz-Firehose-Request-Id": id,
		"X-Amz-Firehose-Source-Arn":        "arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs",
		"X-Amz-Firehose-Common-Attributes": `{"commonAttributes":{"env":"test"}}`, "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
	} {
		r.Header.Set(name, value)
	}
	return r
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

// deliver sends a request and judges the form of the answer, of any status.
func deliver(t *testing.T, r *http.Request) (status int, message string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	var said struct {
		RequestID    *string `json:"requestId"`
		Timestamp    int64   `json:"timestamp"`
		ErrorMessage string  `json:"errorMessage"`
	}
	if err != nil || json.Unmarshal(body, &said) != nil || said.RequestID == nil || *said.RequestID != r.Header.Get(requestIDHeader) ||
		said.Timestamp < 1700000000000 || (said.ErrorMessage == "") != (answer.StatusCode == 200) {
		t.Errorf("%d answers %q, %v", answer.StatusCode, body, err)
	}
	if h := answer.Header; h.Get("Content-Type") != "application/json" || h.Get("Content-Length") != strconv.Itoa(len(body)) || h.Get("Content-Encoding") != "" {
		t.Errorf("%d has the header %v", answer.StatusCode, h)
	}
	return answer.StatusCode, said.ErrorMessage
}

// keyFile writes a file of access keys.
func keyFile(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFirehoseDelivery: what Firehose sends counts, plain and compressed, and
// what is answered is what it expects.
func TestFirehoseDelivery(t *testing.T) {
	e := newGate(t, nil)
	r := delivery(e.URL, "a", "one", "", "two?>")
	if status, said := deliver(t, r); status != 200 {
		t.Fatal(status, said)
	}
	body, _ := io.ReadAll(delivery(e.URL, "b", "three").Body)
	r = posted(e.URL, "b", zipped(string(body)))
	r.Header.Set("Content-Encoding", "gzip")
	if status, said := deliver(t, r); status != 200 {
		t.Fatal(status, said)
	}
	r = posted(e.URL, "c", ` {"x":[{"y":[-1.5e3,null,"\"]\\"]}],"requestId":"c" ,"records":[ {"z":{},"data":"Zm91cg=="} ] } `)
	if status, said := deliver(t, r); status != 200 {
		t.Fatal(status, said)
	}
	large := strings.Repeat("large ", 1<<20)
	if status, said := deliver(t, delivery(e.URL, "d", large)); status != 200 {
		t.Fatal(status, said)
	}
	largest := `{"requestId":"e","records":[` + strings.Repeat(`{"data":""},`, maxFirehoseRecords-1) + `{"data":"Zml2ZQ=="}]`
	largest += strings.Repeat(" ", MaxFirehoseBody-len(largest)-1) + "}"
	r = posted(e.URL, "e", largest)
	if status, said := deliver(t, r); status != 200 {
		t.Fatal(status, said)
	}
	e.want(t, append([]string{"one", "", "two?>", "three", "four", large}, append(make([]string, maxFirehoseRecords-1), "five")...)...)
	if n := testutil.ToFloat64(e.Metrics.delivery.answers.WithLabelValues("firehose", "200")); n != 5 {
		t.Errorf("%v answers of status 200", n)
	}
}

// packed returns text that gzip makes much shorter, but is no bomb.
func packed(size int) string {
	rng := rand.New(rand.NewPCG(56, 56))
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "%08x%s", rng.Uint32(), strings.Repeat("flow logs ", 100))
	}
	return b.String()[:size]
}

// TestFault56NotTheProtocol: whatever else comes is refused, and counts nothing.
func TestFault56NotTheProtocol(t *testing.T) {
	keys, err := LoadKeys(keyFile(t, "right-key\n"), slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	e := newGate(t, func(e *gate) {
		e.Keys, e.Sources = keys, []string{"arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs"}
	})
	many := `{"requestId":"id","records":[` + strings.Repeat("{},", maxFirehoseRecords) + `{}]}`
	bomb := zipped(`{"requestId":"id","records":[` + strings.Repeat(" ", 8<<20) + `]}`)
	whole := zipped(`{"requestId":"id","records":[]}`)
	inflates := zipped(packed(MaxFirehoseBody + 1))
	if len(inflates)*firehoseRatio < MaxFirehoseBody {
		t.Fatal("it is a bomb")
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	gzipped := header("Content-Encoding", "gzip")
	const good = `{"requestId":"id","records":[{"data":"aWQ="}]}`
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
		says   string
	}{
		"no key":                        {good, func(r *http.Request) { r.Header.Del("X-Amz-Firehose-Access-Key") }, 401, "access key"},
		"wrong key":                     {good, header("X-Amz-Firehose-Access-Key", "right-kez"), 401, "access key"},
		"another stream":                {good, header("X-Amz-Firehose-Source-Arn", "arn:aws:firehose:eu-west-1:1:deliverystream/x"), 403, "may not"},
		"another method":                {good, func(r *http.Request) { r.Method = http.MethodPut }, 400, "POST"},
		"version":                       {good, header("X-Amz-Firehose-Protocol-Version", "2.0"), 400, "version 1.0"},
		"no request id":                 {good, header("X-Amz-Firehose-Request-Id", ""), 400, "Request-Id"},
		"other id":                      {`{"requestId":"other","records":[]}`, nil, 400, "another requestId"},
		"no id":                         {`{"records":[]}`, nil, 400, "the body is not"},
		"no records":                    {`{"requestId":"id"}`, nil, 400, "the body is not"},
		"no JSON":                       {`records`, nil, 400, "the body is not"},
		"empty":                         {"", nil, 400, "the body is not"},
		"cut":                           {good[:40], nil, 400, "the body is not"},
		"tail":                          {good + "x", nil, 400, "the body is not"},
		"no base64":                     {`{"requestId":"id","records":[{"data":"aWQ="},{"data":"*"}]}`, nil, 400, "base64"},
		"nested":                        {`{"requestId":"id","x":` + strings.Repeat("[", 99999) + `}`, nil, 400, "the body is not"},
		"10,001 records":                {many, nil, 400, "more than 10000"},
		"encoding":                      {good, header("Content-Encoding", "br"), 400, "Content-Encoding"},
		"no gzip":                       {good, gzipped, 400, "no gzip"},
		"truncated gzip":                {whole[:len(whole)-9], gzipped, 400, "ends before"},
		"damaged gzip":                  {whole[:len(whole)-8] + "12345678", gzipped, 400, "checksum"},
		"bomb":                          {bomb, gzipped, 400, "200 times"},
		"oversized":                     {strings.Repeat(" ", MaxFirehoseBody+1), nil, 413, "64 MiB"},
		"oversized when it is inflated": {inflates, gzipped, 413, "64 MiB"},
		"oversized, of unknown length":  {strings.Repeat(" ", MaxFirehoseBody+1), func(r *http.Request) { r.ContentLength = -1 }, 413, "64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			r := posted(e.URL, "id", c.body)
			r.Header.Set("X-Amz-Firehose-Access-Key", "right-key")
			if c.change != nil {
				c.change(r)
			}
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	e.want(t)
	r := posted(e.URL, "id", good)
	r.Header.Set("X-Amz-Firehose-Access-Key", "right-key")
	if status, said := deliver(t, r); status != 200 {
		t.Error("after all that:", status, said)
	}
	if e.log.count("key=")+e.log.count("right-ke") > 0 {
		t.Errorf("a key is told:\n%s", &e.log.b)
	}
}

// TestFault57Retry: a request that comes again, also while the first is in hand
// or not committed, counts once, and is not answered early.
func TestFault57Retry(t *testing.T) {
	commits := make(chan error)
	e := newGate(t, func(e *gate) {
		e.commit = func(ctx context.Context) error {
			select {
			case err := <-commits:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	statuses := make(chan int, 3)
	for range 3 {
		go func() {
			status, _ := deliver(t, delivery(e.URL, "same", "once"))
			statuses <- status
		}()
	}
	commits <- errors.New("disk")
	if status := <-statuses; status != 503 {
		t.Errorf("%d before it is committed", status)
	}
	for range 2 {
		commits <- nil
		if status := <-statuses; status != 200 {
			t.Errorf("%d once it is committed", status)
		}
	}
	gone, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer leave()
	if _, err := http.DefaultClient.Do(delivery(e.URL, "gone", "heard").WithContext(gone)); err == nil {
		t.Fatal("an answer without a commit")
	}
	go func() {
		for { // whoever still waits for the one that left takes one too
			select {
			case commits <- nil:
			case <-t.Context().Done():
				return
			}
		}
	}()
	if status, _ := deliver(t, delivery(e.URL, "gone", "heard")); status != 200 {
		t.Errorf("%d after our timeout", status)
	}
	e.want(t, "once", "heard")
	if n := testutil.ToFloat64(e.Metrics.delivery.again.WithLabelValues("firehose")); n != 3 {
		t.Errorf("%v came again, want 3", n)
	}
}

// TestFault59SlowSender: bodies that do not come hold up few others, and the end
// does not wait for them.
func TestFault59SlowSender(t *testing.T) {
	e := newGate(t, func(e *gate) { e.InFlight = 2 })
	var slow []net.Conn
	for i := range 2 {
		conn, err := net.Dial("tcp", e.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\nX-Amz-Firehose-Protocol-Version: 1.0\r\n%s: slow%d\r\n\r\n{", requestIDHeader, i)
		slow = append(slow, conn)
	}
	for end := time.Now().Add(10 * time.Second); len(e.slots) < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("they are not in hand")
		}
	}
	answer, err := http.DefaultClient.Do(delivery(e.URL, "quick", "x"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v when as many are in hand as may be", answer.StatusCode, answer.Header)
	}
	e.cancel()
	for _, conn := range slow {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		text, err := io.ReadAll(conn)
		if !strings.HasPrefix(string(text), "HTTP/1.1 408 ") {
			t.Errorf("%q %v", text, err)
		}
	}
	if err := <-e.ended; err != nil {
		t.Error(err)
	}
	if status, _ := deliver(t, delivery(e.URL, "late", "x")); status != 503 {
		t.Errorf("%d after the end", status)
	}
	e.want(t)
}

// TestFirehoseHandlerFails: an error of the machine ends Run, and is no 200.
func TestFirehoseHandlerFails(t *testing.T) {
	broken := errors.New("broken")
	e := newGate(t, func(e *gate) {
		e.Handler = handlerFunc(func(context.Context, flow.Body) error { return broken })
	})
	if status, _ := deliver(t, delivery(e.URL, "a", "x")); status != 503 {
		t.Error(status)
	}
	if err := <-e.ended; !errors.Is(err, broken) {
		t.Error(err)
	}
}

// TestKeysAreRotated: keys change without a restart, and stay while the file is
// broken.
func TestKeysAreRotated(t *testing.T) {
	var log lockedBuffer
	path := keyFile(t, "old-canary\n\n new-canary \r\n")
	k, err := LoadKeys(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	valid := func(want ...string) {
		t.Helper()
		k.looked = time.Time{}
		for _, key := range []string{"old-canary", "new-canary", "", "third-canary"} {
			if got, want := k.Valid(key), strings.Contains(fmt.Sprint(want), key) && key != ""; got != want {
				t.Errorf("%q is valid: %v", key, got)
			}
		}
	}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	valid("old-canary", "new-canary")
	write(`{"api_key":"third-canary"}`)
	valid("third-canary")
	for _, broken := range []string{"", "\n", `{"api_key":"third-canary}`, `{"other":1}`, strings.Repeat("x", maxAccessKey+1),
		strings.Repeat("k\n", maxKeys+1), strings.Repeat("\n", maxKeyFile+1)} {
		write(broken)
		valid("third-canary")
		if _, err := LoadKeys(path, slog.Default()); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%.20q: %v", broken, err)
		}
	}
	write("new-canary")
	valid("new-canary")
	if log.count("canary") > 0 || log.count("stay valid") != 1 || log.count("read again\"") != 1 {
		t.Errorf("log:\n%s", &log.b)
	}
}

// FuzzFirehose: any body and header is answered in the form of the protocol, and
// counts all of its records or nothing.
func FuzzFirehose(f *testing.F) {
	const good = `{"requestId":"id","timestamp":1,"records":[{"data":"aWQ="},{"data":""}]}`
	f.Add([]byte(good), "id", "", "1.0")
	f.Add([]byte(zipped(good)), "id", "gzip", "1.0")
	f.Add([]byte(zipped(good)[:20]), "id", "GZIP", "1.0")
	f.Add([]byte(`{"records":[{"x":[{"y":-1}],"data":"****"}],"requestId":"\u0069d"}`), "id", "identity", "")
	f.Add([]byte(`{"records":null,"records":[{}],"requestId":"id"}`), "id", "br", "2")
	f.Fuzz(func(t *testing.T, body []byte, id, encoding, version string) {
		counted := -1
		h := &Firehose{Name: "firehose", Logger: slog.New(slog.DiscardHandler), Handler: handlerFunc(func(_ context.Context, b flow.Body) error {
			counted = len(b.Batch)
			return nil
		})}
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set(requestIDHeader, id)
		r.Header.Set("Content-Encoding", encoding)
		r.Header.Set("X-Amz-Firehose-Protocol-Version", version)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !json.Valid(w.Body.Bytes()) || (w.Code == 200) != (counted >= 0) {
			t.Errorf("%d %q, %d counted", w.Code, w.Body, counted)
		}
		var like struct {
			RequestID string
			Records   []struct{ Data []byte }
		}
		if encoding == "" && w.Code == 200 && (json.Unmarshal(body, &like) != nil || len(like.Records) != counted) {
			t.Errorf("%d records counted, encoding/json sees %d", counted, len(like.Records))
		}
	})
}
