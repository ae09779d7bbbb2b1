package traffic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// book returns subnets as the address book publishes them, slots in order.
func book(cidrs ...string) []*flow.Subnet {
	var list []*flow.Subnet
	for slot, cidr := range cidrs {
		list = append(list, &flow.Subnet{CIDR: cidr, VPCID: "vpc-1", Slot: slot})
	}
	return list
}

func record(s *flow.Subnet, d flow.Direction, a flow.Action, packets, bytes uint64) flow.Record {
	return flow.Record{Subnet: s, Direction: d, Action: a, Packets: packets, Bytes: bytes}
}

func observe(t *Totals, records ...flow.Record) {
	tally := t.Tally()
	tally.Observe(records)
	tally.Apply()
}

func TestEveryRecordGoesToOneRow(t *testing.T) {
	totals, subnets := New(), book("10.0.0.0/24", "10.0.1.0/24")
	totals.SetSubnets(subnets)
	a, b := subnets[0], subnets[1]
	observe(totals,
		record(a, flow.Egress, flow.Accept, 100, 5000),
		record(b, flow.Ingress, flow.Accept, 100, 5000),
		record(a, flow.Ingress, flow.Reject, 3, 120),
		record(a, flow.Egress, flow.Reject, 4, 160),
		record(b, flow.Ingress, flow.ActionNone, 1, 40),
		record(nil, flow.Ingress, flow.Accept, 9, 9),
	)
	want := map[*flow.Subnet]Counts{
		a: {Sent: {5000, 100, 1}, DeniedIngress: {120, 3, 1}, DeniedEgress: {160, 4, 1}},
		b: {Received: {5040, 101, 2}},
	}
	for s, w := range want {
		if got := totals.rows[s.Slot].Counts; got != w {
			t.Errorf("%s: got %v, want %v", s.CIDR, got, w)
		}
	}
}

// TestRejectedEgressIsDeniedEgress: what a subnet's own rules refuse to send is
// denied in the direction egress, never received by anyone.
func TestRejectedEgressIsDeniedEgress(t *testing.T) {
	totals, subnets := New(), book("172.31.16.0/20")
	totals.SetSubnets(subnets)
	observe(totals, record(subnets[0], flow.Egress, flow.Reject, 4, 336))
	want := `
# HELP flowlog_denied_packets_total Packets refused by a security group or network ACL.
# TYPE flowlog_denied_packets_total counter
flowlog_denied_packets_total{direction="egress",subnet="172.31.16.0/20",vpc_id="vpc-1"} 4
flowlog_denied_packets_total{direction="ingress",subnet="172.31.16.0/20",vpc_id="vpc-1"} 0
# HELP flowlog_received_packets_total Packets of accepted flows that entered an interface of the subnet.
# TYPE flowlog_received_packets_total counter
flowlog_received_packets_total{subnet="172.31.16.0/20",vpc_id="vpc-1"} 0
`
	if diff := cmp.Diff(want, "\n"+text(totals, false, "flowlog_denied_packets_total", "flowlog_received_packets_total")); diff != "" {
		t.Error(diff)
	}
}

func TestSubnetsAreBornAtZeroAndLeave(t *testing.T) {
	totals, first := New(), book("10.0.0.0/24", "10.0.1.0/24")
	totals.SetSubnets(first)
	if got := text(totals, false, "flowlog_sent_bytes_total"); strings.Count(got, "} 0\n") != 2 {
		t.Fatalf("before any traffic:\n%s", got)
	}
	observe(totals, record(first[0], flow.Egress, flow.Accept, 1, 10), record(first[1], flow.Egress, flow.Accept, 1, 20))
	born := totals.rows[1].Created

	second := book("10.0.1.0/24", "10.0.2.0/24") // the first subnet left, the other moved to its slot
	totals.SetSubnets(second)
	if got := totals.rows[0]; got.Counts[Sent].Bytes != 20 || got.Created != born {
		t.Errorf("a subnet that stayed lost its total or its birth: %+v", got)
	}
	if got := totals.rows[1].Counts; got != (Counts{}) {
		t.Errorf("a new subnet starts at %v", got)
	}
}

// TestTallyOutlivesItsAddressBook: a body placed by the old address book counts
// by the subnet's identity, not by its old slot.
func TestTallyOutlivesItsAddressBook(t *testing.T) {
	totals, old := New(), book("10.0.0.0/24", "10.0.1.0/24")
	totals.SetSubnets(old)
	tally := totals.Tally()
	tally.Observe([]flow.Record{record(old[0], flow.Egress, flow.Accept, 1, 10), record(old[1], flow.Egress, flow.Accept, 1, 20)})
	totals.SetSubnets(book("10.0.1.0/24"))
	tally.Apply()
	if got := totals.rows[0].Counts[Sent]; got != (Amount{20, 1, 1}) {
		t.Errorf("got %v, want the total of 10.0.1.0/24 alone", got)
	}
}

func TestDiscardForgets(t *testing.T) {
	totals, subnets := New(), book("10.0.0.0/24")
	totals.SetSubnets(subnets)
	tally := totals.Tally()
	tally.Observe([]flow.Record{record(subnets[0], flow.Egress, flow.Accept, 1, 10)})
	tally.Discard()
	tally.Apply()
	if got := totals.rows[0].Counts; got != (Counts{}) {
		t.Errorf("discarded records were counted: %v", got)
	}
}

// TestTotalsNeverGoDown: hostile amounts can fill a counter, not turn it over.
func TestTotalsNeverGoDown(t *testing.T) {
	totals, subnets := New(), book("10.0.0.0/24")
	totals.SetSubnets(subnets)
	for range 3 {
		observe(totals, record(subnets[0], flow.Egress, flow.Accept, 1, math.MaxUint64/2))
	}
	if got := totals.rows[0].Counts[Sent]; got != (Amount{math.MaxUint64, 3, 3}) {
		t.Errorf("got %+v", got)
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	totals, subnets := New(), book("10.0.0.0/24", "10.0.1.0/24")
	totals.SetSubnets(subnets)
	records := make([]flow.Record, 400)
	for i := range records {
		records[i] = record(subnets[i%2], flow.Direction(1+i/2%2), flow.Accept, 1, 40)
	}
	tally := totals.Tally()
	body := func() { tally.Observe(records); tally.Apply() }
	body()
	if n := testing.AllocsPerRun(100, body); n != 0 {
		t.Errorf("%v allocations per body", n)
	}
}

// BenchmarkObserve tells the time per record, in runs of one subnet as they
// come in envelopes, and of a subnet after the other.
func BenchmarkObserve(b *testing.B) {
	for _, size := range []int{500, 50_000} {
		for _, run := range []int{200, 1} {
			b.Run(fmt.Sprintf("subnets=%d/run=%d", size, run), func(b *testing.B) {
				totals := New()
				subnets := book(make([]string, size)...)
				totals.SetSubnets(subnets)
				r := rand.New(rand.NewPCG(1, 2))
				records := make([]flow.Record, 1024)
				for i := range records {
					s := subnets[i/run*7919%size]
					records[i] = record(s, flow.Direction(1+r.IntN(2)), flow.Action(1+r.IntN(8)/7), 1, 40)
				}
				tally := totals.Tally()
				b.ReportAllocs()
				for b.Loop() {
					tally.Observe(records)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(records)), "ns/record")
			})
		}
	}
}
