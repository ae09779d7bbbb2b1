package vpc

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// maxName is the most runes of a subnet's name that become a label value.
const maxName = 128

var (
	subnetsDesc = prometheus.NewDesc("flowlog_subnets",
		"Subnets known.", []string{"vpc_id"}, nil)
	infoDesc = prometheus.NewDesc("flowlog_subnet_info",
		"Subnet identity; the value is always 1.",
		[]string{"vpc_id", "subnet", "subnet_id", "name", "az_id", "account_id"}, nil)
	refreshesDesc = prometheus.NewDesc("flowlog_subnet_refreshes_total",
		"Attempts to refresh the subnet list.", nil, nil)
	failuresDesc = prometheus.NewDesc("flowlog_subnet_refresh_failures_total",
		"Attempts to refresh the subnet list that failed.", nil, nil)
	lastSuccessDesc = prometheus.V2.NewDesc("flowlog_subnet_refresh_last_success_timestamp_seconds",
		"Time of the last successful refresh of the subnet list.",
		prometheus.UnconstrainedLabels(nil), nil, prometheus.WithUnit("seconds"))
)

// Describe implements [prometheus.Collector].
func (b *Book) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{subnetsDesc, infoDesc, refreshesDesc, failuresDesc, lastSuccessDesc} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector]. The subnet series are those of the
// current table, so they come and go with it. The time of the last success is 0
// before the first.
func (b *Book) Collect(ch chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n uint64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n))
	}
	failures := b.failures.Load() // before the attempts, so that it is never the larger
	count(refreshesDesc, b.refreshes.Load())
	count(failuresDesc, failures)
	ch <- prometheus.MustNewConstMetric(lastSuccessDesc, prometheus.GaugeValue, float64(b.lastSuccess.Load())/1e3)
	perVPC := make(map[string]int)
	for _, s := range b.Table().Subnets() {
		perVPC[s.VPCID]++
		ch <- prometheus.MustNewConstMetric(infoDesc, prometheus.GaugeValue, 1,
			labelValue(s.VPCID), labelValue(s.CIDR), labelValue(s.ID), labelValue(s.Name), labelValue(s.AZID), labelValue(s.AccountID))
	}
	for vpcID, n := range perVPC {
		ch <- prometheus.MustNewConstMetric(subnetsDesc, prometheus.GaugeValue, float64(n), labelValue(vpcID))
	}
}

// Version stands for what Collect tells: what it tells has changed when the
// version has. The zero Version is that of no book.
type Version struct {
	table               *Table
	refreshes, failures uint64
	lastSuccess         int64
}

// Version returns the version of what Collect would tell at least.
func (b *Book) Version() Version {
	return Version{b.Table(), b.refreshes.Load(), b.failures.Load(), b.lastSuccess.Load()}
}

// labelValue makes text that people wrote fit for a label: valid UTF-8 without
// control characters, at most maxName runes.
func labelValue(text string) string {
	if isPlain(text) {
		return text
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
	if runes := []rune(text); len(runes) > maxName {
		text = string(runes[:maxName])
	}
	return text
}

// isPlain reports that the text is short printable ASCII, as nearly all is.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return len(text) <= maxName
}
