package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestMain makes the test binary a server on the sockets of systemd when it is
// started as one.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_SERVE_SYSTEMD") == "" {
		os.Exit(m.Run())
	}
	s := &Server{SystemdSocket: true, Gatherer: prometheus.NewRegistry()}
	if err := errors.Join(s.Listen(), s.Serve(context.Background())); err != nil {
		panic(err)
	}
}

// start serves s until the test ends, on a free port where it has no addresses,
// and returns its first address.
func start(t *testing.T, s *Server) string {
	t.Helper()
	if s.Addresses == nil {
		s.Addresses = []string{"127.0.0.1:0"}
	}
	if s.Gatherer == nil {
		registry := prometheus.NewRegistry()
		s.Gatherer, s.Registry = registry, registry
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	return s.Addrs()[0].String()
}

// client keeps no connection, so that a server has nothing to wait for.
func client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

func get(t *testing.T, url string, header ...string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return do(t, client(), request)
}

func do(t *testing.T, c *http.Client, request *http.Request) (int, http.Header, string) {
	t.Helper()
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

func TestPages(t *testing.T) {
	address := start(t, &Server{Version: `1.2.3 <"&>`, TelemetryPath: "/flow/metrics"})
	tests := []struct {
		method, path string
		status       int
		contentType  string
		want         string
	}{
		{"GET", "/flow/metrics", 200, "text/plain; version=0.0.4", "# TYPE promhttp_metric_handler_requests_total counter"},
		{"GET", "/metrics", 404, "text/plain", ""},
		{"GET", "/-/healthy", 200, "text/plain", "healthy\n"},
		{"GET", "/health", 200, "text/plain", "healthy\n"},
		{"GET", "/-/ready", 200, "text/plain", "ready\n"},
		{"GET", "/", 200, "text/html", `<a href="./flow/metrics">`},
		{"GET", "/", 200, "text/html", `Version 1.2.3 &lt;&#34;&amp;&gt;.`},
		{"GET", "/nowhere", 404, "text/plain", ""},
		{"HEAD", "/-/healthy", 200, "text/plain", ""},
		{"POST", "/-/healthy", 405, "text/plain", "Method Not Allowed"},
		{"POST", "/flow/metrics", 405, "text/plain", "Method Not Allowed"},
		{"DELETE", "/", 405, "text/plain", "Method Not Allowed"},
		{"GET", "/debug/pprof/", 404, "text/plain", ""},
		{"GET", "/debug/requests", 404, "text/plain", ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			request, err := http.NewRequest(tt.method, "http://"+address+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			status, header, body := do(t, client(), request)
			if status != tt.status || !strings.HasPrefix(header.Get("Content-Type"), tt.contentType) || !strings.Contains(body, tt.want) {
				t.Errorf("got %d %s\n%s", status, header.Get("Content-Type"), body)
			}
			if header.Get("X-Content-Type-Options") != "nosniff" && status == 200 && tt.path != "/flow/metrics" {
				t.Errorf("got header %v", header)
			}
		})
	}
}

func TestMetricsAtTheRoot(t *testing.T) {
	address := start(t, &Server{TelemetryPath: "/"})
	if status, _, body := get(t, "http://"+address+"/"); status != 200 || !strings.Contains(body, "# TYPE") {
		t.Errorf("got %d %s", status, body)
	}
	if status, _, _ := get(t, "http://"+address+"/other"); status != 404 {
		t.Errorf("another path answers %d", status)
	}
}

func TestReady(t *testing.T) {
	var subnets, shards atomic.Bool
	check := func(done *atomic.Bool, reason string) Check {
		return func() error {
			if done.Load() {
				return nil
			}
			return errors.New(reason)
		}
	}
	address := start(t, &Server{Ready: []Check{
		check(&subnets, "the subnets were\nnot read yet"), check(&shards, "the shards were not read yet"),
	}})
	steps := []struct {
		name   string
		step   func()
		status int
		body   string
	}{
		{"start", func() {}, 503, "the subnets were not read yet\nthe shards were not read yet\n"},
		{"subnets", func() { subnets.Store(true) }, 503, "the shards were not read yet\n"},
		{"both", func() { shards.Store(true) }, 200, "ready\n"},
		{"shards lost", func() { shards.Store(false) }, 503, "the shards were not read yet\n"},
	}
	for _, s := range steps {
		s.step()
		if status, _, body := get(t, "http://"+address+"/-/ready"); status != s.status || body != s.body {
			t.Errorf("%s: got %d %q, want %d %q", s.name, status, body, s.status, s.body)
		}
		if status, _, _ := get(t, "http://"+address+"/-/healthy"); status != 200 {
			t.Errorf("%s: healthy answers %d", s.name, status)
		}
	}
}

// TestOpenMetrics: the form is what the scraper asks for, and an answer that one
// collector spoils is counted and has what the others say.
func TestOpenMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	good := prometheus.NewCounter(prometheus.CounterOpts{Name: "flowlog_test_total", Help: "A test."})
	bad := prometheus.NewDesc("flowlog_bad", "A test.", nil, nil)
	registry.MustRegister(good, broken{bad})
	address := start(t, &Server{Gatherer: registry, Registry: registry})
	_, header, body := get(t, "http://"+address+"/metrics", "Accept", "application/openmetrics-text;version=1.0.0")
	if !strings.HasPrefix(header.Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(body, "# EOF\n") {
		t.Errorf("got %v\n%s", header, body)
	}
	if !strings.Contains(body, "# TYPE flowlog_test counter\n") {
		t.Errorf("the good collector is missing:\n%s", body)
	}
	_, header, body = get(t, "http://"+address+"/metrics")
	if !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
		t.Errorf("got %v", header)
	}
	if want := `promhttp_metric_handler_errors_total{cause="gathering"} 1`; !strings.Contains(body, want) {
		t.Errorf("no %s in\n%s", want, body)
	}
}

// broken is a collector that fails.
type broken struct{ desc *prometheus.Desc }

func (b broken) Describe(ch chan<- *prometheus.Desc) { ch <- b.desc }
func (b broken) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.NewInvalidMetric(b.desc, errors.New("broken on purpose"))
}

// TestSlowHeader: a client that never ends its header is cut off.
func TestSlowHeader(t *testing.T) {
	address := start(t, &Server{Limits: Limits{ReadHeaderTimeout: 20 * time.Millisecond}})
	conn := dial(t, address)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || strings.Contains(string(answer), "200") {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestLongHeader(t *testing.T) {
	address := start(t, &Server{})
	conn := dial(t, address)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 32<<10)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %v, %v", response, err)
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// ask sends a request on a connection that stays open.
func ask(conn net.Conn) (*http.Response, error) {
	if _, err := io.WriteString(conn, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(conn), nil)
}

// TestConnectionCap: a connection above the cap gets its answer when another ends.
func TestConnectionCap(t *testing.T) {
	address := start(t, &Server{Limits: Limits{MaxConnections: 2}})
	first, second, third := dial(t, address), dial(t, address), dial(t, address)
	for _, conn := range []net.Conn{first, second} {
		if _, err := ask(conn); err != nil {
			t.Fatal(err)
		}
	}
	if err := third.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if response, err := ask(third); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("above the cap: got %v, %v", response, err)
	}
	if err := errors.Join(first.Close(), third.SetReadDeadline(time.Now().Add(10*time.Second))); err != nil {
		t.Fatal(err)
	}
	if response, err := http.ReadResponse(bufio.NewReader(third), nil); err != nil || response.StatusCode != 200 {
		t.Errorf("below the cap: got %v, %v", response, err)
	}
}

// TestSystemdSocket starts a process as systemd does.
func TestSystemdSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil { // the process has its own
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "/bin/sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 TEST_SERVE_SYSTEMD=1 exec "$0"`, os.Args[0])
	child.ExtraFiles = []*os.File{file}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if status, _, body := get(t, "http://"+l.Addr().String()+"/-/healthy"); status != 200 {
		t.Errorf("got %d %s", status, body)
	}
	if err := errors.Join(file.Close(), child.Process.Signal(syscall.SIGTERM)); err != nil {
		t.Error(err)
	}
	_ = child.Wait() // it ends by the signal
}
