package source

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
)

func TestLagSeriesAreLimited(t *testing.T) {
	for shards, want := range map[int]int{maxLagSeries: maxLagSeries, maxLagSeries + 1: 1} {
		b := &bench{reg: prometheus.NewRegistry()}
		m := NewMetrics(b.reg).kinesisMeter("test")
		for i := range shards {
			m.page(strings.Repeat("s", i+1), 1, 1, time.Duration(i)*time.Second)
		}
		got := b.metric(t, "flowlog_source_lag_seconds")
		if len(got) != want {
			t.Errorf("%d shards have %d series, want %d", shards, len(got), want)
		}
		if want == 1 && got[0] != "max 100" {
			t.Errorf("the one series is %q, want the maximum", got[0])
		}
	}
}

func TestLagGrowsWhileReadsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{reg: prometheus.NewRegistry()}
		m := NewMetrics(b.reg).kinesisMeter("test")
		m.page("s", 1, 1, 2*time.Second)
		m.all.lag.fails(shardOf{"test", "s"})
		time.Sleep(time.Minute)
		m.all.lag.fails(shardOf{"test", "s"})
		time.Sleep(time.Minute)
		if got := b.metric(t, "flowlog_source_lag_seconds"); !slices.Equal(got, []string{"s 122"}) {
			t.Errorf("lag = %q, want 2 s and the 2 minutes of failing", got)
		}
	})
}

func TestMetricsBornAtZero(t *testing.T) {
	b := &bench{reg: prometheus.NewRegistry()}
	NewMetrics(b.reg).kinesisMeter("test")
	for name, series := range map[string]int{
		"flowlog_source_up": 1, "flowlog_source_last_success_timestamp_seconds": 1, "flowlog_source_shards": 3,
		"flowlog_source_read_bytes_total": 1, "flowlog_source_messages_total": 1,
		"flowlog_source_requests_total": 4, "flowlog_source_request_failures_total": 24,
		"flowlog_source_resets_total": 1, "flowlog_source_gap_seconds_total": 1,
		"flowlog_source_buffered_bytes": 1, "flowlog_source_buffer_wait_seconds_total": 1,
	} {
		got := b.metric(t, name)
		if len(got) != series {
			t.Errorf("%s has %d series, want %d", name, len(got), series)
		}
		for _, s := range got {
			if !strings.HasSuffix(s, "0") {
				t.Errorf("%s = %q, want 0", name, s)
			}
		}
	}
}

// A shard that ended is closed as long as the stream lists it, and has no lag.
func TestMetricsFollowShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &demo.Kinesis{Shards: 2}
		b := newBench(k, nil)
		b.start(t)
		time.Sleep(3 * time.Second)
		first := k.Open()[0]
		if err := k.PutTo(first, []byte("12345")); err != nil {
			t.Fatal(err)
		}
		if err := k.Split(first); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		for name, want := range map[string][]string{
			"flowlog_source_shards":           {"closed 1", "reading 3", "waiting 0"},
			"flowlog_source_lag_seconds":      {"shardId-000000000001 0", "shardId-000000000002 0", "shardId-000000000003 0"},
			"flowlog_source_messages_total":   {"1"},
			"flowlog_source_read_bytes_total": {"5"},
			"flowlog_source_up":               {"1"},
		} {
			if got := b.metric(t, name); !slices.Equal(got, want) {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		b.stop(t)
	})
}
