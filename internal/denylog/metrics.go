package denylog

import "github.com/prometheus/client_golang/prometheus"

// reason says why a refused flow has no line.
type reason uint8

const (
	// reasonRate lines came faster than the user wants them.
	reasonRate reason = iota
	// reasonQueue lines came faster than the output takes them, or after Close.
	reasonQueue
	// reasonWrite lines were accepted and then lost in a failed write.
	reasonWrite
	numReasons
)

// String returns the label value of the reason.
func (r reason) String() string { return [...]string{"rate", "queue", "write"}[r] }

// counts are what became of the refused flows.
type counts struct {
	records uint64 // accepted in the queue
	dropped [numReasons]uint64
}

var (
	recordsDesc = prometheus.NewDesc("flowlog_deny_log_records_total",
		"Denied flows handed to the deny log.", []string{"sink"}, nil)
	droppedDesc = prometheus.NewDesc("flowlog_deny_log_dropped_total",
		"Denied flows left out of the deny log.", []string{"sink", "reason"}, nil)
	lengthDesc = prometheus.NewDesc("flowlog_deny_log_queue_length",
		"Denied flows waiting to be written.", []string{"sink"}, nil)
)

// Describe implements prometheus.Collector.
func (l *Log) Describe(ch chan<- *prometheus.Desc) {
	ch <- recordsDesc
	ch <- droppedDesc
	ch <- lengthDesc
}

// Collect implements prometheus.Collector. All values are of one instant, so
// that the identities of Log hold at every scrape.
func (l *Log) Collect(ch chan<- prometheus.Metric) {
	l.mu.Lock()
	c, waiting := l.counts, l.queue.lines
	l.mu.Unlock()
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(d, prometheus.CounterValue, float64(v), l.born, labels...)
	}
	counter(recordsDesc, c.records, l.sink)
	for r := range numReasons {
		counter(droppedDesc, c.dropped[r], l.sink, r.String())
	}
	ch <- prometheus.MustNewConstMetric(lengthDesc, prometheus.GaugeValue, float64(waiting), l.sink)
}
