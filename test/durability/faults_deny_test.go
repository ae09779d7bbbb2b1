//go:build durability

package durability

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

func itoa(n int) string { return strconv.Itoa(n) }

// ask returns the status and body of an answer.
func ask(t *testing.T, p *process, url string) (int, string) {
	t.Helper()
	answer, err := p.client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func sum(values map[string]float64, name string) float64 { return page{values: values}.sum(name) }

// denied is how many flows were refused so far.
func (w *world) denied() (n float64) {
	for place, a := range w.vpc.Truth().Traffic {
		if place.Action == flow.Reject {
			n += float64(a.Flows)
		}
	}
	return n
}

// flood puts so many records that at least n of them are refused flows: minutes
// of traffic, with all that strangers try in them.
func (w *world) flood(n float64) {
	for at := time.Now().Add(-10 * time.Minute); w.denied() < n; at = at.Add(time.Second) {
		for _, e := range w.vpc.Next(at, 2000) {
			w.stream.Put(e.Data)
		}
	}
}

// TestFault48DenyLogFlood: of a flood of refused flows few become lines, the
// others are counted as dropped, and the counters see all.
func TestFault48DenyLogFlood(t *testing.T) {
	w := newWorld(t, 48, 4)
	w.flood(20_000)
	log := filepath.Join(t.TempDir(), "deny.log")
	began := time.Now()
	p := w.start("--deny-log.output", "file:"+log, "--deny-log.rate", "10")
	url := p.url()
	w.settled(p, url)
	got := w.log.scrape(p, url)
	p.stop()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines, most := bytes.Count(text, []byte("\n")), 10*(int(time.Since(began).Seconds())+2)
	if lines == 0 || lines > most {
		t.Errorf("%d lines, at most %d may be", lines, most)
	}
	logged, dropped := got.sum("flowlog_deny_log_records_total"), got.sum("flowlog_deny_log_dropped_total")
	if logged+dropped != w.denied() {
		t.Errorf("%v flows were refused, %v were logged and %v dropped", w.denied(), logged, dropped)
	}
	t.Logf("deny log: %v refused flows, %d lines, %v dropped, counters exact", w.denied(), lines, dropped)
}

// TestFault49DenyLogFull: a deny log that cannot be written, or that nobody
// reads, loses its lines and nothing else.
func TestFault49DenyLogFull(t *testing.T) {
	for _, c := range []struct{ name, output, reason string }{
		{"full", "file:/dev/full", "write"},
		{"stuck", "stdout", "queue"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 49, 4)
			w.flood(30_000)
			cmd := w.command("--deny-log.output", c.output, "--deny-log.rate", "0")
			stdout, err := cmd.StdoutPipe() // which nobody reads
			if err != nil {
				t.Fatal(err)
			}
			defer stdout.Close()
			p := launch(t, cmd)
			url := p.url()
			w.settled(p, url)
			dropped := fmt.Sprintf(`flowlog_deny_log_dropped_total{reason=%q,sink=`, c.reason)
			p.until(func() error {
				for series, n := range w.log.scrape(p, url).values {
					if len(series) > len(dropped) && series[:len(dropped)] == dropped && n > 0 {
						return nil
					}
				}
				return fmt.Errorf("no line was dropped: %s…}", dropped)
			})
			if status, reason := ask(t, p, url+"/-/ready"); status != http.StatusOK {
				t.Errorf("ready: %d %s", status, reason)
			}
			p.kill()
			p = w.start("--deny-log.output", "off")
			w.settled(p, p.url())
			p.stop()
		})
	}
}
