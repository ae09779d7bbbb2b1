package traffic

import (
	"iter"

	dto "github.com/prometheus/client_model/go"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Family is one family of counters, as the totals stood when they were frozen.
// It never changes, and is safe for concurrent use until they are released.
type Family struct {
	*family
	frozen *Frozen
}

// family is what all times have in common: a name, and a line of each subnet
// for each of its classes, in the order of their labels.
type family struct {
	name, help string
	quantity   quantity
	lines      []line
}

// line is the constant begin of the lines of one class.
type line struct {
	class Class
	begin string // up to the labels of the subnet
}

// quantity is one of the numbers of an Amount.
type quantity uint8

const (
	ofBytes quantity = iota
	ofFlows
	ofPackets
)

func (q quantity) of(a *Amount) uint64 {
	switch q {
	case ofBytes:
		return a.Bytes
	case ofFlows:
		return a.Flows
	}
	return a.Packets
}

// families are all counters of traffic.
var families = []*family{
	denied("bytes", "Bytes refused by a security group or network ACL.", ofBytes),
	denied("flows", "Flow records refused by a security group or network ACL.", ofFlows),
	denied("packets", "Packets refused by a security group or network ACL.", ofPackets),
	accepted("received_bytes", "Bytes of accepted flows that entered an interface of the subnet.", ofBytes, Received),
	accepted("received_flows", "Flow records of accepted flows that entered an interface of the subnet.", ofFlows, Received),
	accepted("received_packets", "Packets of accepted flows that entered an interface of the subnet.", ofPackets, Received),
	accepted("sent_bytes", "Bytes of accepted flows that left an interface of the subnet.", ofBytes, Sent),
	accepted("sent_flows", "Flow records of accepted flows that left an interface of the subnet.", ofFlows, Sent),
	accepted("sent_packets", "Packets of accepted flows that left an interface of the subnet.", ofPackets, Sent),
}

func accepted(what, help string, q quantity, c Class) *family {
	name := "flowlog_" + what + "_total"
	return &family{name, help, q, []line{{c, name + "{"}}}
}

func denied(what, help string, q quantity) *family {
	name := "flowlog_denied_" + what + "_total"
	in, out := flow.Ingress.String(), flow.Egress.String()
	return &family{name, help, q, []line{
		{DeniedEgress, name + `{direction="` + out + `",`},
		{DeniedIngress, name + `{direction="` + in + `",`},
	}}
}

// Families returns all counters in the order of their names.
func (f *Frozen) Families() iter.Seq[Family] {
	return func(yield func(Family) bool) {
		for _, family := range families {
			if !yield(Family{family, f}) {
				return
			}
		}
	}
}

// Name returns the name of the metrics.
func (f Family) Name() string { return f.name }

// Type returns that they are counters.
func (Family) Type() dto.MetricType { return dto.MetricType_COUNTER }

// linesAtOnce is how many lines are handed on at once: some 25 KB.
const linesAtOnce = 256

// Append appends the family as the text format writes it, or as OpenMetrics
// does. Every some hundred lines it hands what it has to flush, and goes on
// appending to what flush returns. It returns what it has at the end.
func (f Family) Append(b []byte, openMetrics bool, flush func([]byte) []byte) []byte {
	labels := f.frozen.labels()
	if len(labels) == 0 {
		return b // as a registry has no family without a metric
	}
	b = f.appendHead(b, openMetrics)
	for _, line := range f.lines {
		for i := range labels {
			b = append(b, line.begin...)
			b = append(b, labels[i].text...)
			v := f.quantity.of(&f.frozen.counts[labels[i].slot][line.class])
			b = appendValue(b, v, openMetrics)
			b = append(b, '\n')
			if i%linesAtOnce == linesAtOnce-1 {
				b = flush(b)
			}
		}
	}
	return b
}

func (f Family) appendHead(b []byte, openMetrics bool) []byte {
	name := f.name
	if openMetrics { // which adds the suffix to the samples alone
		name = name[:len(name)-len("_total")]
	}
	b = append(append(append(b, "# HELP "...), name...), ' ')
	b = append(append(b, f.help...), '\n')
	b = append(append(b, "# TYPE "...), name...)
	return append(b, " counter\n"...)
}
