package denylog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// batch returns n refused records, each with an accepted one before it.
func batch(n int) []flow.Record {
	records := make([]flow.Record, 0, 2*n)
	for range n {
		passed := refused()
		passed.Action = flow.Accept
		records = append(records, passed, refused())
	}
	return records
}

func start(t testing.TB, o Options) *Log {
	t.Helper()
	if o.Output == "" {
		o.Output = "stdout"
	}
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *Log) snapshot() (counts, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts, l.queue.lines
}

// told reads JSON output back: how many refused flows it has, and how many it
// says were suppressed. A line that is not whole fails the test.
func told(t *testing.T, output []byte) (lines, suppressed uint64) {
	t.Helper()
	if len(output) > 0 && output[len(output)-1] != '\n' {
		t.Errorf("output ends in the middle of a line: %q", output[max(0, len(output)-80):])
	}
	for line := range bytes.Lines(output) {
		var v struct {
			Msg        string
			Suppressed uint64
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		switch v.Msg {
		case "POLICY_DENIED":
			lines++
		case "POLICY_DENIED_SUPPRESSED":
			suppressed += v.Suppressed
		default:
			t.Fatalf("unknown line %q", line)
		}
	}
	return lines, suppressed
}

func TestUnknownOptions(t *testing.T) {
	tests := []struct {
		name    string
		options Options
		want    string
	}{
		{"output", Options{Output: "syslog:local0"}, `unknown deny log output "syslog:local0"; possible values are off, stdout, stderr and file:PATH`},
		{"file without path", Options{Output: "file:"}, `unknown deny log output "file:"; possible values are off, stdout, stderr and file:PATH`},
		{"format", Options{Output: "stdout", Format: "ecs"}, `unknown deny log format "ecs"; possible values are json, logfmt and legacy`},
		{"rate", Options{Output: "stdout", Rate: -1}, `deny log rate -1 is below 0; give lines a second, or 0 for no limit`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := New(tt.options); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestOff(t *testing.T) {
	for _, output := range []string{"off", ""} {
		l, err := New(Options{Output: output})
		if l != nil || err != nil {
			t.Fatalf("output %q: got %v, %v", output, l, err)
		}
		l.Observe("file", batch(1))
		if err := errors.Join(l.Reopen(), l.Close(t.Context())); err != nil {
			t.Errorf("a log that is off fails: %v", err)
		}
	}
}

func TestMetricsAreBornAtZero(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	l := start(t, Options{Output: "stderr", Stderr: io.Discard, Registerer: registry})
	defer l.Close(t.Context())
	want := `
# HELP flowlog_deny_log_dropped_total Denied flows left out of the deny log.
# TYPE flowlog_deny_log_dropped_total counter
flowlog_deny_log_dropped_total{reason="queue",sink="stderr"} 0
flowlog_deny_log_dropped_total{reason="rate",sink="stderr"} 0
flowlog_deny_log_dropped_total{reason="write",sink="stderr"} 0
# HELP flowlog_deny_log_queue_length Denied flows waiting to be written.
# TYPE flowlog_deny_log_queue_length gauge
flowlog_deny_log_queue_length{sink="stderr"} 0
# HELP flowlog_deny_log_records_total Denied flows handed to the deny log.
# TYPE flowlog_deny_log_records_total counter
flowlog_deny_log_records_total{sink="stderr"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	if _, err := New(Options{Output: "stderr", Stderr: io.Discard, Registerer: registry}); err == nil {
		t.Error("a second log of the same sink registers twice")
	}
}

// TestSuppression: the burst passes, the rest is told in summaries at least a
// second apart and at the close, and the numbers add up.
func TestSuppression(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := start(t, Options{Stdout: &out, Rate: 500})
		check := func(when string, wantLines, wantSuppressed uint64) {
			t.Helper()
			synctest.Wait()
			if lines, suppressed := told(t, out.Bytes()); lines != wantLines || suppressed != wantSuppressed {
				t.Errorf("%s: %d lines and %d told suppressed, want %d and %d", when, lines, suppressed, wantLines, wantSuppressed)
			}
		}
		l.Observe("kinesis", batch(700))
		check("at the burst", 500, 0)
		time.Sleep(summaryDelay - 1)
		l.Observe("kinesis", batch(600)) // the bucket is full again but for a token
		check("before a second has passed", 999, 0)
		time.Sleep(time.Nanosecond)
		check("after a second", 999, 200+101)
		time.Sleep(summaryDelay / 2)
		l.Observe("kinesis", batch(300)) // 250 tokens have come back, and the one that was near
		check("half a second later", 1250, 301)
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		l.Observe("kinesis", batch(9))
		check("after the close", 1250, 350)
		got, waiting := l.snapshot()
		if want := (counts{1250, [numReasons]uint64{reasonRate: 350, reasonQueue: 9}}); got != want || waiting != 0 {
			t.Errorf("got %+v and %d waiting, want %+v", got, waiting, want)
		}
	})
}

// TestBlockedOutput: an output that takes nothing stops neither Observe nor, past
// its deadline, Close, and every line is accounted for.
func TestBlockedOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		defer reader.Close()
		l := start(t, Options{Stdout: writer})
		const observed = 40_000
		for range observed / 100 {
			l.Observe("kinesis", batch(100))
		}
		c, waiting := l.snapshot()
		if c.records+c.dropped[reasonQueue] != observed || waiting != c.records || c.dropped[reasonQueue] == 0 {
			t.Errorf("got %+v and %d waiting of %d", c, waiting, observed)
		}
		if held := len(l.queue.fill) + l.queue.flight; held > QueueBytes {
			t.Errorf("the queue holds %d bytes", held)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		err := l.Close(ctx)
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Second {
			t.Errorf("Close returned %v after %v", err, took)
		}
		if want := fmt.Sprintf("deny log to stdout: %d lines could not be written in time", waiting); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %q, want %q", err, want)
		}
		if c, waiting := l.snapshot(); waiting != 0 || c.dropped[reasonWrite] != c.records {
			t.Errorf("after the deadline: %+v, %d waiting", c, waiting)
		}
	})
}

func TestObserveAllocatesNothing(t *testing.T) {
	for _, rate := range []int{0, 1} {
		l := start(t, Options{Stdout: io.Discard, Rate: rate})
		records := batch(20)
		for range 2000 { // both buffers grow to their size
			l.Observe("kinesis", records)
		}
		if n := testing.AllocsPerRun(200, func() { l.Observe("kinesis", records) }); n != 0 {
			t.Errorf("rate %d: %v allocations for a block", rate, n)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
