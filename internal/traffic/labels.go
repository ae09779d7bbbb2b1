package traffic

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// labelled are the labels of a list of subnets as they stand in each line. They
// are written once, when first asked for, which is not under the ledger.
type labelled struct {
	subnets []*flow.Subnet // by slot
	once    sync.Once
	sorted  []label
}

// label is the labels of one subnet, up to the value of the line.
type label struct {
	text string
	slot int
}

// all returns the labels in the order of the lines. It is safe for concurrent use.
func (l *labelled) all() []label {
	l.once.Do(l.write)
	return l.sorted
}

func (l *labelled) write() {
	l.sorted = make([]label, len(l.subnets))
	for slot := range l.sorted {
		l.sorted[slot].slot = slot
	}
	slices.SortFunc(l.sorted, func(a, b label) int {
		x, y := l.subnets[a.slot], l.subnets[b.slot]
		return cmp.Or(cmp.Compare(x.CIDR, y.CIDR), cmp.Compare(x.VPCID, y.VPCID))
	})
	var text strings.Builder // one for all, so that lines follow each other in memory
	ends := make([]int, len(l.sorted))
	for i := range l.sorted {
		s := l.subnets[l.sorted[i].slot]
		text.WriteString(`subnet="`)
		writeValue(&text, s.CIDR)
		text.WriteString(`",vpc_id="`)
		writeValue(&text, s.VPCID)
		text.WriteString(`"} `)
		ends[i] = text.Len()
	}
	begin := 0
	for i, end := range ends {
		l.sorted[i].text, begin = text.String()[begin:end], end
	}
}

// escaped are the characters that mean something within a label value.
var escaped = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// writeValue writes a label value. What is no UTF-8 would spoil the whole page.
func writeValue(b *strings.Builder, value string) {
	_, _ = escaped.WriteString(b, strings.ToValidUTF8(value, "\uFFFD"))
}

// exact is the first integer that a float64, as which Prometheus reads a value,
// may have to round.
const exact = 1 << 53

// appendValue appends a number as Prometheus writes a float64: from a million on
// in scientific notation, and in OpenMetrics never without point or exponent.
func appendValue(b []byte, v uint64, openMetrics bool) []byte {
	if v >= 1_000_000 {
		return strconv.AppendFloat(b, float64(v), 'g', -1, 64)
	}
	b = strconv.AppendUint(b, v, 10)
	if openMetrics {
		b = append(b, ".0"...)
	}
	return b
}
