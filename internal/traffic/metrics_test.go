package traffic

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// text renders the named metrics, or all.
func text(t *Totals, openMetrics bool, names ...string) string {
	var b []byte
	frozen := t.Freeze()
	defer frozen.Release()
	for family := range frozen.Families() {
		wanted := len(names) == 0
		for _, name := range names {
			wanted = wanted || name == family.Name()
		}
		if wanted {
			b = family.Append(b, openMetrics, func(b []byte) []byte { return b })
		}
	}
	return string(b)
}

// reference is the totals as client_golang knows metrics: the plain way.
type reference struct{ *Totals }

var help = map[string]string{
	"denied": " refused by a security group or network ACL.", "received": " of accepted flows that entered an interface of the subnet.",
	"sent": " of accepted flows that left an interface of the subnet.",
}

func desc(kind, what, noun string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("flowlog_"+kind+"_"+what+"_total", noun+help[kind], append(labels, "vpc_id", "subnet"), nil)
}

func (r reference) Describe(chan<- *prometheus.Desc) {}

func (r reference) Collect(ch chan<- prometheus.Metric) {
	for _, row := range r.rows {
		vpcID, cidr := strings.ToValidUTF8(row.Subnet.VPCID, "\uFFFD"), strings.ToValidUTF8(row.Subnet.CIDR, "\uFFFD")
		send := func(a Amount, kind string, direction ...string) {
			var names []string
			if len(direction) > 0 {
				names = []string{"direction"}
			}
			for _, c := range []struct {
				what, noun string
				n          uint64
			}{{"bytes", "Bytes", a.Bytes}, {"packets", "Packets", a.Packets}, {"flows", "Flow records", a.Flows}} {
				ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(desc(kind, c.what, c.noun, names...),
					prometheus.CounterValue, float64(c.n), row.Created, append(direction, vpcID, cidr)...)
			}
		}
		send(row.Counts[Received], "received")
		send(row.Counts[Sent], "sent")
		send(row.Counts[DeniedIngress], "denied", "ingress")
		send(row.Counts[DeniedEgress], "denied", "egress")
	}
}

// text is what expfmt makes of the families.
func (r reference) text(t *testing.T, format expfmt.Format) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(r)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	encoder := expfmt.NewEncoder(&b, format)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// numbers are those at which their text changes form.
var numbers = []uint64{0, 1, 9, 10, 999_999, 1_000_000, 1_000_001, 1_200_000, 9_999_999, 10_000_000, 123_456_789,
	1<<53 - 1, 1 << 53, 1<<53 + 1, 1<<53 + 2, 1<<53 + 3, 9_999_999_999_999_999, 10_000_000_000_000_001, 1 << 60, math.MaxInt64, math.MaxUint64}

func anyNumber(random *rand.Rand) uint64 {
	switch random.IntN(4) {
	case 0:
		return numbers[random.IntN(len(numbers))]
	case 1: // with zeros at the end
		n := uint64(random.IntN(10_000))
		for range random.IntN(15) {
			n *= 10
		}
		return n
	}
	return random.Uint64() >> random.IntN(64)
}

// pieces make labels that must be escaped.
var pieces = []string{"", "a", "vpc-0123", "10.0.0.0/24", `\`, `"`, "\n", `\n`, "{", "}", ",", "=", " ", "\t", "\r", "é", "\u2028", "\x00", "\x7f", "\xff", "\xc3", "#"}

func anyLabel(random *rand.Rand) string {
	var b strings.Builder
	for range random.IntN(5) {
		b.WriteString(pieces[random.IntN(len(pieces))])
	}
	return b.String()
}

// TestTheTextIsThatOfExpfmt compares what is rendered with what client_golang
// and expfmt make of the same totals, byte for byte.
func TestTheTextIsThatOfExpfmt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		totals, keys := New(), map[flow.Key]bool{}
		var subnets []*flow.Subnet
		for range random.IntN(8) * random.IntN(60) {
			s := &flow.Subnet{CIDR: anyLabel(random), VPCID: anyLabel(random), Slot: len(subnets)}
			key := flow.Key{CIDR: strings.ToValidUTF8(s.CIDR, "\uFFFD"), VPCID: strings.ToValidUTF8(s.VPCID, "\uFFFD")}
			if utf8.ValidString(s.CIDR) || !keys[key] { // two that differ in bad bytes alone are one to a registry
				if !keys[key] {
					keys[key], subnets = true, append(subnets, s)
				}
			}
		}
		totals.SetSubnets(subnets)
		for i := range totals.rows {
			totals.rows[i].Created = time.Unix(int64(random.Uint32()), int64(random.IntN(1e9)))
			for c := range totals.rows[i].Counts {
				totals.rows[i].Counts[c] = Amount{anyNumber(random), anyNumber(random), anyNumber(random)}
			}
		}
		for format, openMetrics := range map[expfmt.Format]bool{expfmt.FmtText: false, expfmt.FmtOpenMetrics_1_0_0: true} {
			if diff := cmp.Diff(reference{totals}.text(t, format), text(totals, openMetrics)); diff != "" {
				t.Fatalf("round %d, %s: -expfmt +ours\n%.2000s", round, format, diff)
			}
		}
	}
}

// TestNumbers compares the text of numbers with that of strconv.
func TestNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	check := func(n uint64) {
		totals := New()
		totals.SetSubnets(book("10.0.0.0/24"))
		totals.rows[0].Counts[Sent].Bytes = n
		for format, openMetrics := range map[expfmt.Format]bool{expfmt.FmtText: false, expfmt.FmtOpenMetrics_1_0_0: true} {
			if got := text(totals, openMetrics); got != (reference{totals}).text(t, format) {
				t.Errorf("%d: %s\n%s", n, format, got)
			}
		}
	}
	for _, n := range numbers {
		check(n)
	}
	for range 500 {
		check(anyNumber(random))
	}
}

// TestFrozenDoesNotMove: what is frozen stays as it was, whatever is counted
// after it and whichever subnets come.
func TestFrozenDoesNotMove(t *testing.T) {
	totals := counted()
	want := text(totals, false)
	frozen := totals.Freeze()
	observe(totals, record(totals.rows[0].Subnet, flow.Egress, flow.Accept, 1, 1))
	totals.SetSubnets(book("10.9.0.0/24"))
	var got []byte
	for family := range frozen.Families() {
		got = family.Append(got, false, func(b []byte) []byte { return b })
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if now := text(totals, false); !strings.Contains(now, "10.9.0.0/24") || strings.Contains(now, "10.0.0.0/24") {
		t.Errorf("later:\n%s", now)
	}
}

// TestRenderingDoesNotAllocate: neither the copy nor its text.
func TestRenderingDoesNotAllocate(t *testing.T) {
	for _, series := range []int{500, 50_000} {
		totals := busy(series)
		var b []byte
		var pieces int
		flush := func(b []byte) []byte { pieces++; return b[:0] }
		render := func() {
			frozen := totals.Freeze()
			for _, openMetrics := range []bool{false, true} {
				for _, family := range families {
					b = Family{family, frozen}.Append(b[:0], openMetrics, flush)
				}
			}
			frozen.Release()
		}
		render()
		// The race detector makes pools forget at random.
		if n := testing.AllocsPerRun(20, render); n > 2 {
			t.Errorf("%d series: %v allocations", series, n)
		}
		if series > 10*linesAtOnce && (pieces == 0 || cap(b) > 64<<10) {
			t.Errorf("%d series: %d pieces of up to %d bytes", series, pieces, cap(b))
		}
	}
}

func TestMetricsAreWellNamed(t *testing.T) {
	totals := New()
	if got := text(totals, false); got != "" {
		t.Errorf("without a subnet:\n%s", got)
	}
	totals.SetSubnets(book("10.0.0.0/24"))
	problems, err := promlint.New(strings.NewReader(text(totals, false))).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if err := prometheus.NewPedanticRegistry().Register(reference{totals}); err != nil {
		t.Error(err)
	}
}
