package web

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// pipes is a listener of connections without a buffer: who does not read blocks
// who writes.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipes() *pipes {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// ask begins a scrape and returns its answer, whose body is not read yet.
func (p *pipes) ask(t *testing.T, encoding string) *http.Response {
	t.Helper()
	conn, server := net.Pipe()
	t.Cleanup(func() { conn.Close() })
	p.conns <- server
	if _, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: "+encoding+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func finish(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.Header.Get("Content-Encoding") == "gzip" {
		return unzip(t, body)
	}
	return string(body)
}

var value = regexp.MustCompile(`(?m)^flowlog_test_bytes_total\{.*\} (\d+)$`)

// values returns how often each value of the committed counter is in text.
func values(text string) string {
	count := map[string]int{}
	for _, match := range value.FindAllStringSubmatch(text, -1) {
		count[match[1]]++
	}
	return fmt.Sprint(count)
}

// TestSlowScrapers: while some have read but the begin of their answer, commits
// and other scrapes go on, and each answer is of one page.
func TestSlowScrapers(t *testing.T) {
	const slow, series = 2 * gatheredAtOnce, 1000
	var current Pages
	listener := newPipes()
	patient := Limits{ReadHeaderTimeout: time.Hour, ReadTimeout: time.Hour, WriteTimeout: time.Hour}
	s := &Server{Committed: &current, Gatherer: registry(), Limits: patient, listeners: []net.Listener{listener}}
	served := make(chan error, 1)
	go func() { served <- s.Serve(t.Context()) }()
	encoding := func(i int) string { return []string{"identity", "gzip"}[i%2] }

	var begun []*http.Response
	for i := range slow {
		if err := current.commit(committed(series, float64(100+i))); err != nil {
			t.Fatal(err)
		}
		begun = append(begun, listener.ask(t, encoding(i)))
	}
	if err := current.commit(committed(series, 999)); err != nil {
		t.Fatal(err)
	}
	for i := range slow {
		want := fmt.Sprintf("map[999:%d]", series)
		if got := values(finish(t, listener.ask(t, encoding(i)))); got != want {
			t.Errorf("beside slow ones: got %s, want %s", got, want)
		}
	}
	for i, response := range begun {
		want := fmt.Sprintf("map[%d:%d]", 100+i, series)
		if got := values(finish(t, response)); got != want {
			t.Errorf("slow: got %s, want %s", got, want)
		}
	}
	listener.close()
	if err := <-served; err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// sink is a client that takes everything and keeps nothing.
type sink struct {
	header http.Header
	status int
	bytes  int
	first  func() // called by the first Write
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }
func (s *sink) Flush()                 {}
func (s *sink) Write(p []byte) (int, error) {
	if s.first != nil {
		s.first()
		s.first = nil
	}
	s.bytes += len(p)
	return len(p), nil
}

// scraping returns a handler with a page of so many series and a request of it.
func scraping(t testing.TB, series int, encoding string) (http.Handler, *http.Request) {
	s := &Server{Committed: pages(t, committed(series, 12345)), Gatherer: registry()}
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept-Encoding", encoding)
	r.Header.Set("Accept", prometheusAccept)
	return s.handler(), r
}

// TestAllocations: what a scrape allocates does not depend on the series.
func TestAllocations(t *testing.T) {
	for _, encoding := range []string{"identity", "gzip"} {
		var objects, octets [2]float64
		for i, series := range []int{1_000, 50_000} {
			h, r := scraping(t, series, encoding)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			objects[i] = testing.AllocsPerRun(100, func() { h.ServeHTTP(&sink{header: http.Header{}}, r) })
			runtime.ReadMemStats(&after)
			octets[i] = float64(after.TotalAlloc-before.TotalAlloc) / 101 // one run more to warm up
		}
		t.Logf("%s: %.0f and %.0f objects, %.0f and %.0f bytes", encoding, objects[0], objects[1], octets[0], octets[1])
		// Compressed, 50,000 series are some 600 KB. The race detector makes
		// pools forget at random, which costs a compressor each time.
		if objects[1] > objects[0]+20 || octets[1] > octets[0]+400_000 {
			t.Errorf("%s: more series allocate more", encoding)
		}
	}
}

// TestManyScrapes: each of 2,000 scrapes in the middle of their answers costs
// some kilobytes, and all are answered.
func TestManyScrapes(t *testing.T) {
	const scrapes = 2000
	for _, encoding := range []string{"identity", "gzip"} {
		h, r := scraping(t, 5_000, encoding)
		sizes, released := make(chan int, scrapes), make(chan struct{})
		var sending, ended sync.WaitGroup
		var before, during runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		sending.Add(scrapes)
		for range scrapes {
			ended.Go(func() {
				w := &sink{header: http.Header{}, first: func() { sending.Done(); <-released }}
				h.ServeHTTP(w, r.Clone(t.Context()))
				sizes <- w.bytes
			})
		}
		sending.Wait()
		runtime.GC()
		runtime.ReadMemStats(&during)
		close(released)
		ended.Wait()
		each := (int64(during.HeapAlloc+during.StackInuse) - int64(before.HeapAlloc+before.StackInuse)) / scrapes
		size := <-sizes
		t.Logf("%s: %d scrapes of %d bytes hold %d bytes each", encoding, scrapes, size, each)
		if each > 64<<10 {
			t.Errorf("%s: they hold %d bytes each", encoding, each)
		}
		for range scrapes - 1 {
			if got := <-sizes; got != size {
				t.Fatalf("%s: got %d and %d bytes", encoding, size, got)
			}
		}
	}
}

// TestManyConnections: more scrapes than connections at once are all answered.
func TestManyConnections(t *testing.T) {
	const scrapes, series = 500, 200
	s := &Server{Committed: pages(t, committed(series, 7)), Gatherer: registry(), Limits: Limits{MaxConnections: 50}}
	url := "http://" + start(t, s) + "/metrics"
	var ended sync.WaitGroup
	var whole atomic.Int64
	c := client()
	for range scrapes {
		ended.Go(func() {
			response, err := c.Get(url) // gzip
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			var text bytes.Buffer
			if _, err := io.Copy(&text, response.Body); err != nil || response.StatusCode != 200 {
				t.Errorf("got %d, %v", response.StatusCode, err)
			} else if strings.Count(text.String(), "flowlog_test_bytes_total{") == series {
				whole.Add(1)
			}
		})
	}
	ended.Wait()
	if n := whole.Load(); n != scrapes {
		t.Errorf("%d of %d were answered whole", n, scrapes)
	}
}

// rows is a family of constant labels, as those that grow with the subnets.
type rows struct {
	name  string
	begin []string
	value uint64
}

// lined returns families of so many series, nine as the traffic has.
func lined(series int) (list []Family) {
	for i := range 9 {
		f := &rows{name: fmt.Sprintf("flowlog_kind%d_bytes_total", i)}
		for j := range series / 9 {
			f.begin = append(f.begin, fmt.Sprintf(`%s{subnet="10.%d.%d.%d/28",vpc_id="vpc-%017x"} `, f.name, j>>12, j>>4&255, j&15<<4, j/200*7919))
		}
		list = append(list, f)
	}
	return list
}

func (l *rows) Name() string         { return l.name }
func (l *rows) Type() dto.MetricType { return dto.MetricType_COUNTER }
func (l *rows) Append(b []byte, openMetrics bool, flush func([]byte) []byte) []byte {
	b = fmt.Appendf(b, "# HELP %s Bytes.\n# TYPE %s counter\n", strings.TrimSuffix(l.name, "_total"), strings.TrimSuffix(l.name, "_total"))
	for i, begin := range l.begin {
		n := (l.value + uint64(i)) * 1234567 % 100_000_000_000
		b = append(strconv.AppendUint(append(b, begin...), n, 10), '\n')
		if i%256 == 255 {
			b = flush(b)
		}
	}
	return b
}

// BenchmarkScrape answers scrapes each of which follows a commit, so that none
// finds the page rendered, and scrapes that share a page.
func BenchmarkScrape(b *testing.B) {
	for _, encoding := range []string{"identity", "gzip"} {
		for _, page := range []string{"fresh", "shared"} {
			for _, series := range []int{500, 5_000, 50_000} {
				b.Run(fmt.Sprint(encoding, "/", page, "/", series), func(b *testing.B) {
					s := &Server{Committed: &Pages{}, Gatherer: prometheus.NewRegistry()}
					h, families := s.handler(), lined(series)
					r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
					r.Header.Set("Accept-Encoding", encoding)
					w := &sink{header: http.Header{}}
					commit := func() {
						if err := s.Committed.Publish(families, nil); err != nil {
							b.Fatal(err)
						}
					}
					commit()
					h.ServeHTTP(w, r)
					w.bytes = 0
					b.ReportAllocs()
					for b.Loop() {
						if page == "fresh" {
							commit()
						}
						h.ServeHTTP(w, r)
					}
					b.ReportMetric(float64(w.bytes)/float64(b.N), "B/answer")
				})
			}
		}
	}
}
