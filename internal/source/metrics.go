package source

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// maxLagSeries is up to how many shards have a lag series of their own.
const maxLagSeries = 100

// Metrics are the flowlog_source_ metrics of all sources of the process. Safe
// for concurrent use.
type Metrics struct {
	up, success, shards   *prometheus.GaugeVec
	transported, messages *prometheus.CounterVec
	requests, failures    *prometheus.CounterVec
	resets, gaps          *prometheus.CounterVec
	buffered              *prometheus.GaugeVec
	waited                *prometheus.CounterVec
	lag                   *lags
	object                objectMetrics
	delivery              deliveryMetrics
}

// NewMetrics makes the metrics and registers them; reg may be nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	gauge := func(name, unit, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Unit: unit, Help: help}, labels)
	}
	counter := func(name, unit, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Unit: unit, Help: help}, labels)
	}
	m := &Metrics{
		up:          gauge("flowlog_source_up", "", "Whether the last read from the source succeeded.", "source"),
		success:     gauge("flowlog_source_last_success_timestamp_seconds", "seconds", "Time of the last successful read.", "source"),
		shards:      gauge("flowlog_source_shards", "", "Shards known, by state.", "source", "state"),
		transported: counter("flowlog_source_read_bytes_total", "bytes", "Bytes read from the source, as transported.", "source"),
		messages:    counter("flowlog_source_messages_total", "", "Messages read from the source.", "source"),
		requests:    counter("flowlog_source_requests_total", "", "API requests made to the source.", "source", "operation"),
		failures:    counter("flowlog_source_request_failures_total", "", "API requests that failed.", "source", "operation", "reason"),
		resets:      counter("flowlog_source_resets_total", "", "Times that the stream was found made anew, and all places in it void.", "source"),
		gaps:        counter("flowlog_source_gap_seconds_total", "seconds", "Time whose records left the source before they were read, summed over the shards.", "source"),
		buffered:    gauge("flowlog_source_buffered_bytes", "bytes", "Memory set aside for answers above 64 KiB until their messages are handled.", "source"),
		waited:      counter("flowlog_source_buffer_wait_seconds_total", "seconds", "Time that shards waited for such memory, summed over the shards.", "source"),
		lag: &lags{
			desc: prometheus.V2.NewDesc("flowlog_source_lag_seconds", "How far the reader is behind the tip of the source.",
				prometheus.UnconstrainedLabels{"source", "shard"}, nil, prometheus.WithUnit("seconds")),
			shards: make(map[shardOf]lag),
		},
	}
	m.object, m.delivery = newObjectMetrics(reg), newDeliveryMetrics(reg)
	if reg != nil {
		reg.MustRegister(m.up, m.success, m.shards, m.transported, m.messages, m.requests, m.failures, m.resets, m.gaps, m.buffered, m.waited, m.lag)
	}
	return m
}

// meter is what one source has of the metrics.
type meter struct {
	all             *Metrics
	source          string
	up, success     prometheus.Gauge
	bytes, messages prometheus.Counter
	// Those of a source with shards:
	resets, gaps, waited prometheus.Counter
	buffered             prometheus.Gauge
}

// meter makes the series that every source has, all at 0; m may be nil.
func (m *Metrics) meter(source string) *meter {
	if m == nil {
		m = NewMetrics(nil)
	}
	return &meter{
		all: m, source: source,
		up: m.up.WithLabelValues(source), success: m.success.WithLabelValues(source),
		bytes: m.transported.WithLabelValues(source), messages: m.messages.WithLabelValues(source),
	}
}

// kinesisMeter makes the series of a source with shards and requests as well.
func (m *Metrics) kinesisMeter(source string) *meter {
	t := m.meter(source)
	t.resets, t.gaps = t.all.resets.WithLabelValues(source), t.all.gaps.WithLabelValues(source)
	t.buffered, t.waited = t.all.buffered.WithLabelValues(source), t.all.waited.WithLabelValues(source)
	for _, s := range []state{waiting, reading, closed} {
		t.all.shards.WithLabelValues(source, string(s))
	}
	for _, op := range []operation{listShards, getShardIterator, getRecords, describeStream} {
		t.all.requests.WithLabelValues(source, string(op))
		for _, reason := range cloud.Reasons() {
			t.all.failures.WithLabelValues(source, string(op), reason)
		}
	}
	return t
}

func (t *meter) requested(op operation) {
	t.all.requests.WithLabelValues(t.source, string(op)).Inc()
}

func (t *meter) refused(op operation, reason string) {
	t.all.failures.WithLabelValues(t.source, string(op), reason).Inc()
}

// moved takes a shard from one state to the next; "" is not known.
func (t *meter) moved(from, to state) {
	if from != "" {
		t.all.shards.WithLabelValues(t.source, string(from)).Dec()
	}
	if to != "" {
		t.all.shards.WithLabelValues(t.source, string(to)).Inc()
	}
}

// page counts an answer of records that leaves the shard behind the tip.
func (t *meter) page(shard string, records, size int, behind time.Duration) {
	t.success.SetToCurrentTime()
	t.messages.Add(float64(records))
	t.bytes.Add(float64(size))
	t.all.lag.set(shardOf{t.source, shard}, lag{behind: behind})
}

// lags is the gauge of the lag. While reading a shard fails, its lag grows with
// the time, as nobody knows better.
type lags struct {
	desc   *prometheus.Desc
	mu     sync.Mutex
	shards map[shardOf]lag
}

type shardOf struct{ source, shard string }

type lag struct {
	behind  time.Duration
	failing time.Time // since when reads fail; zero while they succeed
}

func (l *lags) set(s shardOf, v lag) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shards[s] = v
}

// fails notes that reads of the shard do not succeed any more.
func (l *lags) fails(s shardOf) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v, ok := l.shards[s]; ok && v.failing.IsZero() {
		v.failing = time.Now()
		l.shards[s] = v
	}
}

func (l *lags) drop(s shardOf) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.shards, s)
}

// Describe implements prometheus.Collector.
func (l *lags) Describe(ch chan<- *prometheus.Desc) { ch <- l.desc }

// Collect implements prometheus.Collector.
func (l *lags) Collect(ch chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	count, most := map[string]int{}, map[string]float64{}
	for s, v := range l.shards {
		count[s.source]++
		most[s.source] = max(most[s.source], v.seconds())
	}
	for s, v := range l.shards {
		if count[s.source] <= maxLagSeries {
			ch <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, v.seconds(), s.source, s.shard)
		}
	}
	for source, n := range count {
		if n > maxLagSeries {
			ch <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, most[source], source, "max")
		}
	}
}

func (v lag) seconds() float64 {
	d := v.behind
	if !v.failing.IsZero() {
		d += time.Since(v.failing)
	}
	return d.Seconds()
}
