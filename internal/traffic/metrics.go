package traffic

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// family describes the three counters of one kind of traffic.
type family struct{ bytes, packets, flows *prometheus.Desc }

func newFamily(kind, bytes, packets, flows string, labels ...string) family {
	labels = append([]string{"vpc_id", "subnet"}, labels...)
	return family{
		bytes:   prometheus.NewDesc("flowlog_"+kind+"_bytes_total", bytes, labels, nil),
		packets: prometheus.NewDesc("flowlog_"+kind+"_packets_total", packets, labels, nil),
		flows:   prometheus.NewDesc("flowlog_"+kind+"_flows_total", flows, labels, nil),
	}
}

var (
	receivedFamily = newFamily("received",
		"Bytes of accepted flows that entered an interface of the subnet.",
		"Packets of accepted flows that entered an interface of the subnet.",
		"Flow records of accepted flows that entered an interface of the subnet.")
	sentFamily = newFamily("sent",
		"Bytes of accepted flows that left an interface of the subnet.",
		"Packets of accepted flows that left an interface of the subnet.",
		"Flow records of accepted flows that left an interface of the subnet.")
	deniedFamily = newFamily("denied",
		"Bytes refused by a security group or network ACL.",
		"Packets refused by a security group or network ACL.",
		"Flow records refused by a security group or network ACL.",
		"direction")
)

// Describe implements prometheus.Collector.
func (t *Totals) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range []family{receivedFamily, sentFamily, deniedFamily} {
		ch <- f.bytes
		ch <- f.packets
		ch <- f.flows
	}
}

// Collect implements prometheus.Collector. The caller holds the ledger.
func (t *Totals) Collect(ch chan<- prometheus.Metric) {
	for i := range t.rows {
		r := &t.rows[i]
		r.collect(ch, receivedFamily, Received)
		r.collect(ch, sentFamily, Sent)
		r.collect(ch, deniedFamily, DeniedIngress, flow.Ingress.String())
		r.collect(ch, deniedFamily, DeniedEgress, flow.Egress.String())
	}
}

func (r *Row) collect(ch chan<- prometheus.Metric, f family, c Class, labels ...string) {
	labels = append([]string{r.Subnet.VPCID, r.Subnet.CIDR}, labels...)
	counter := func(desc *prometheus.Desc, v uint64) {
		ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(desc, prometheus.CounterValue, float64(v), r.Created, labels...)
	}
	counter(f.bytes, r.Counts[c].Bytes)
	counter(f.packets, r.Counts[c].Packets)
	counter(f.flows, r.Counts[c].Flows)
}
