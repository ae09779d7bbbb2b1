package traffic

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// past is a history of whole minutes that takes so many amounts.
func past(most int64, full func()) *History {
	h := NewHistory(time.Minute, full)
	h.most = most
	return h
}

func ended(s *flow.Subnet, end int64, bytes uint64, d flow.Direction) flow.Record {
	return flow.Record{Subnet: s, End: end, Bytes: bytes, Packets: 1, Direction: d}
}

func samplesOf(t *testing.T, h *History, subnets ...*flow.Subnet) map[string][]string {
	t.Helper()
	var page bytes.Buffer
	if err := h.WriteOpenMetrics(&page, subnets); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(page.String(), "\n# EOF\n") {
		t.Errorf("no end: %q", page.String())
	}
	series := map[string][]string{}
	for line := range strings.Lines(page.String()) {
		if name, sample, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && !strings.HasPrefix(line, "#") {
			series[name+"}"] = append(series[name+"}"], sample)
		}
	}
	return series
}

func TestHistory(t *testing.T) {
	a, b := &flow.Subnet{CIDR: "10.0.0.0/24", VPCID: "vpc-a"}, &flow.Subnet{CIDR: "10.0.1.0/24", Slot: 1}
	h := past(100, func() { t.Error("full") })
	tally := h.Tally()
	const minute, base = 60, int64(28_000_000) * 60
	tally.Observe([]flow.Record{
		ended(a, base+3*minute, 5, flow.Ingress), // out of order, as files come
		ended(a, base, 9_007_199_254_740_991, flow.Ingress),
		ended(a, base+59, 1, flow.Ingress),
		ended(b, base+2*minute-1, 7, flow.Egress),
		ended(nil, base, 1, flow.Ingress),
		ended(a, 0, 1, flow.Ingress),
		ended(a, 100_000_000_000, 1, flow.Ingress),
	})
	tally.Apply()
	tally.Observe([]flow.Record{ended(a, base+1, 1000, flow.Ingress)})
	tally.Discard()
	tally.Observe([]flow.Record{ended(a, base+(3+MaxGap+1)*minute, 1, flow.Ingress), ended(a, base+(3+MaxGap+1+MaxGap+2)*minute, 1, flow.Ingress)})
	tally.Apply()
	got := samplesOf(t, h, a, b)
	at := func(value uint64, minutes int64) string { return fmt.Sprintf("%d %d", value, base+minutes*minute) }
	want := []string{at(0, 0), at(9_007_199_254_740_992, 1), at(9_007_199_254_740_992, 2), at(9_007_199_254_740_992, 3), at(9_007_199_254_740_997, 4)}
	for i := range int64(MaxGap) { // a pause that is filled
		want = append(want, at(9_007_199_254_740_997, 5+i))
	}
	want = append(want, at(9_007_199_254_740_998, 5+MaxGap), // and one that is too long for that
		at(9_007_199_254_740_998, 6+2*MaxGap), at(9_007_199_254_740_999, 7+2*MaxGap))
	if series := got[`flowlog_received_bytes_total{subnet="10.0.0.0/24",vpc_id="vpc-a"}`]; fmt.Sprint(series) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", series, want)
	}
	if series := got[`flowlog_sent_flows_total{subnet="10.0.1.0/24",vpc_id=""}`]; fmt.Sprint(series) != fmt.Sprint([]string{at(0, 1), at(1, 2)}) {
		t.Errorf("got %q", series)
	}
	if len(got) != 6 || h.Untimed() != 2 {
		t.Errorf("%d series, %d records without a time", len(got), h.Untimed())
	}
}

// TestHistoryIsNamedAsTheMetrics: what is filled back continues as the same series.
func TestHistoryIsNamedAsTheMetrics(t *testing.T) {
	s := &flow.Subnet{CIDR: `10.0.0.0/24"\`, VPCID: "vpc-a"}
	h, totals := past(100, nil), New()
	totals.SetSubnets([]*flow.Subnet{s})
	tally := h.Tally()
	for _, d := range []flow.Direction{flow.Ingress, flow.Egress} {
		for _, action := range []flow.Action{flow.Accept, flow.Reject} {
			r := ended(s, 1_700_000_000, 1, d)
			r.Action = action
			tally.Observe([]flow.Record{r})
		}
	}
	tally.Apply()
	written := samplesOf(t, h, s)
	frozen := totals.Freeze()
	n := 0
	for family := range frozen.Families() {
		page := family.Append(nil, true, func(b []byte) []byte { return b })
		for line := range strings.Lines(string(page)) {
			if name, _, ok := strings.Cut(line, "} "); ok {
				n++
				if len(written[name+"}"]) != 2 {
					t.Errorf("%s}: %q", name, written[name+"}"])
				}
			}
		}
	}
	if n != 12 || len(written) != n {
		t.Errorf("%d series of metrics, %d of history", n, len(written))
	}
}

func TestHistoryIsBounded(t *testing.T) {
	s := &flow.Subnet{CIDR: "10.0.0.0/24"}
	full := 0
	h := past(3, func() { full++ })
	tally := h.Tally()
	fill := func(from, to int64) {
		for minute := from; minute < to; minute++ {
			tally.Observe([]flow.Record{ended(s, 60*minute, 1, flow.Ingress)})
		}
	}
	fill(1, 4)
	tally.Discard()
	fill(1, 3)
	tally.Apply()
	fill(2, 3) // is there already
	tally.Apply()
	fill(3, 4)
	if full != 0 || h.Full() {
		t.Fatal("full too early")
	}
	fill(5, 1000)
	if full != 1 || !h.Full() || len(tally.amounts.sums) > 4 {
		t.Errorf("full %d times, %d amounts", full, len(tally.amounts.sums))
	}
}
