package pipeline

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Accounts says of every source what became of the records read from it. It has
// no lock of its own: bodies are added and metrics collected under the ledger.
type Accounts struct {
	sources map[string]*account
}

// account is the sheet of one source, and since when it is kept.
type account struct {
	sheet
	born time.Time
}

// NewAccounts returns the accounts of the named sources, all at 0.
func NewAccounts(sources ...string) *Accounts {
	a := &Accounts{sources: make(map[string]*account)}
	for _, s := range sources {
		a.sources[s] = &account{born: time.Now()}
	}
	return a
}

func (a *Accounts) add(source string, body *sheet) {
	if a.sources[source] == nil {
		a.sources[source] = &account{born: time.Now()}
	}
	a.sources[source].add(body)
}

// Sum is what became of the records of all sources.
type Sum struct {
	Records, Counted, Unmatched, Ambiguous uint64
	Skipped                                flow.Reasons
	Failures                               [flow.NumStages]uint64
}

// Sum adds up all sources. The caller holds the ledger.
func (a *Accounts) Sum() Sum {
	var all sheet
	for _, s := range a.sources {
		all.add(&s.sheet)
	}
	return Sum{all.records, all.counted, all.unmatched, all.ambiguous, all.skipped, all.failures}
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("flowlog_"+name, help, append([]string{"source"}, labels...), nil)
}

var (
	recordsDesc   = desc("records_total", "Flow log records read, of every status.")
	countedDesc   = desc("records_counted_total", "Flow log records counted in the traffic metrics.")
	skippedDesc   = desc("records_skipped_total", "Flow log records that did not reach the traffic metrics.", "reason")
	unmatchedDesc = desc("records_unmatched_total", "Flow log records that belong to no known subnet.")
	ambiguousDesc = desc("records_ambiguous_total", "Flow log records whose direction or VPC had to be guessed.")
	delayDesc     = desc("record_delay_seconds", "Time from the end of a record's capture window until the exporter counted it.")
	lastEndDesc   = desc("last_record_end_timestamp_seconds", "End of the newest capture window counted.")
	failuresDesc  = desc("decode_failures_total", "Messages that could not be decoded.", "stage")
)

// Describe implements prometheus.Collector.
func (a *Accounts) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		recordsDesc, countedDesc, skippedDesc, unmatchedDesc, ambiguousDesc, delayDesc, lastEndDesc, failuresDesc,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. The caller holds the ledger.
func (a *Accounts) Collect(ch chan<- prometheus.Metric) {
	for source, s := range a.sources {
		counter := func(d *prometheus.Desc, v uint64, labels ...string) {
			ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(d, prometheus.CounterValue, float64(v), s.born,
				append([]string{source}, labels...)...)
		}
		counter(recordsDesc, s.records)
		counter(countedDesc, s.counted)
		counter(unmatchedDesc, s.unmatched)
		counter(ambiguousDesc, s.ambiguous)
		for reason, n := range s.skipped {
			counter(skippedDesc, n, flow.Reason(reason).String())
		}
		for stage, n := range s.failures {
			counter(failuresDesc, n, flow.Stage(stage).String())
		}
		ch <- prometheus.MustNewConstMetric(lastEndDesc, prometheus.GaugeValue, float64(s.lastEnd), source)
		ch <- s.delay.metric(s.born, source)
	}
}

// metric returns the histogram as Prometheus counts it: cumulative.
func (d *delays) metric(born time.Time, source string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(delayBounds))
	var n uint64
	for i, bound := range delayBounds {
		n += d.buckets[i]
		buckets[float64(bound)] = n
	}
	n += d.buckets[len(delayBounds)]
	return prometheus.MustNewConstHistogramWithCreatedTimestamp(delayDesc, n, float64(d.sum), buckets, born, source)
}
