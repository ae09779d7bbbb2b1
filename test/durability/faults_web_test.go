//go:build durability

package durability

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// enlarge adds so many subnets to the list that a scrape has megabytes.
func (w *world) enlarge(subnets int) {
	w.t.Helper()
	list := w.subnetList()
	w.large = len(w.vpc.Subnets()) + subnets
	for i := range subnets {
		list = fmt.Appendf(list, "10.%d.%d.0/24 subnet_id=subnet-%08x vpc_id=vpc-00000001\n", 100+i/256, i%256, i)
	}
	if err := os.WriteFile(w.subnets, list, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// connect opens n connections that send the text and nothing more.
func connect(t *testing.T, url string, n int, text string) (all []*net.TCPConn) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		tcp := c.(*net.TCPConn)
		_ = tcp.SetReadBuffer(4 << 10)
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		all = append(all, tcp)
	}
	return all
}

// answers fetches the metrics for a while; each answer must come within a second.
func answers(t *testing.T, p *process, url string, during time.Duration) (n int, slowest time.Duration) {
	t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); n++ {
		_, took, err := fetch(p.client, url)
		if err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, took)
	}
	if slowest > time.Second {
		t.Errorf("a scrape took %v", slowest)
	}
	return n, slowest
}

// TestFault58SlowScrapers: clients that do not read their answer, or go away in
// the middle of it, hold up neither the commits nor the other scrapes, and share
// the bytes that wait for them.
func TestFault58SlowScrapers(t *testing.T) {
	const clients = 100
	w := newWorld(t, 58, 2)
	w.enlarge(1000)
	p := launch(t, w.confined(w.command("--state.commit-interval", "1s")))
	url := p.url()
	p.until(func() error { return compare(w.truth(), w.log.scrape(p, url)) })
	end := w.overload(p, url, "100 slow scrapers")
	answers(t, p, url, time.Second)
	before := p.memory("VmRSS")
	slow := connect(t, url, clients, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
	for _, c := range slow[:clients/2] {
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		_ = c.SetLinger(0) // gone, with a reset
		c.Close()
	}
	w.put(5000)
	n, slowest := answers(t, p, url, 3*time.Second)
	w.settled(p, url)
	grown := p.memory("VmRSS") - before
	if grown > 64<<20 {
		t.Errorf("%d slow clients took %d MiB", clients, grown>>20)
	}
	end()
	t.Logf("%d slow scrapers: %d other scrapes, the slowest in %v, memory grew by %d MiB", clients, n, slowest.Round(time.Millisecond), grown>>20)
	p.stop()
}

// TestFault59SlowLoris: 500 clients that never finish their request are sent
// away after five seconds, and nobody waits for them.
func TestFault59SlowLoris(t *testing.T) {
	const clients = 500
	w := newWorld(t, 59, 2)
	p := launch(t, w.confined(w.command()))
	url := p.url()
	end := w.overload(p, url, "500 slow-loris connections")
	all := connect(t, url, clients, "GET /metrics HTTP/1.1\r\nX-Slow: ")
	var gone sync.WaitGroup
	var sentAway atomic.Int64
	began := time.Now()
	for _, c := range all {
		gone.Go(func() {
			for time.Since(began) < patience {
				_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
				_, err := c.Read(make([]byte, 256))
				if errors.Is(err, os.ErrDeadlineExceeded) {
					_, _ = c.Write([]byte("a"))
					continue
				}
				sentAway.Add(1)
				return
			}
		})
	}
	w.put(1000)
	n, slowest := answers(t, p, url, 4*time.Second)
	gone.Wait()
	took := time.Since(began)
	if sentAway.Load() != clients || took > 15*time.Second {
		t.Errorf("%d of %d clients were sent away in %v", sentAway.Load(), clients, took)
	}
	w.settled(p, url)
	end()
	p.stop()
	t.Logf("%d slow-loris connections: %d scrapes, the slowest in %v; all were closed within %v", clients, n, slowest.Round(time.Millisecond), took.Round(time.Second))
}

// TestFault60ManyScrapes: 9,000 scrapes at once are all answered, and take no
// memory to speak of.
func TestFault60ManyScrapes(t *testing.T) {
	const clients = 9000
	w := newWorld(t, 60, 2)
	p := launch(t, w.confined(w.command()))
	url := p.url()
	w.put(5000)
	w.settled(p, url)
	before := p.memory("VmRSS")
	end := w.overload(p, url, "9,000 scrapes at once")
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	var asking sync.WaitGroup
	var good atomic.Int64
	began := time.Now()
	for range clients {
		asking.Go(func() {
			if _, err := ping(client, url); err == nil {
				good.Add(1)
			}
		})
	}
	asking.Wait()
	took := time.Since(began)
	grown := p.memory("VmRSS") - before
	if good.Load() != clients {
		t.Errorf("%d of %d scrapes were answered", good.Load(), clients)
	}
	if grown > 64<<20 {
		t.Errorf("memory grew by %d MiB", grown>>20)
	}
	w.settled(p, url)
	end()
	p.stop()
	t.Logf("%d scrapes at once: all answered within %v, memory grew by %d MiB", clients, took.Round(time.Millisecond), grown>>20)
}

// TestFault61TwoPrometheus: two servers that scrape at once, one of them with
// gaps, see the same exact counters; a scrape changes nothing.
func TestFault61TwoPrometheus(t *testing.T) {
	w := newWorld(t, 61, 2)
	w.born()
	other := newRecording(t)
	p := w.start()
	url := p.url()
	want := w.truth()
	p.until(func() error { return compare(want, other.scrape(p, url)) })
	stop, unwatch := w.traffic(10), w.watch(p, url)
	for range 20 {
		time.Sleep(50 * time.Millisecond)
		other.scrape(p, url)
	}
	stop()
	w.settled(p, url)
	unwatch()
	other.scrape(p, url)
	w.log.increases(w.truth())
	other.increases(w.truth())
	p.stop()
	t.Logf("two Prometheus servers: %d and %d scrapes, the same increase()", w.log.scrapes, other.scrapes)
}
