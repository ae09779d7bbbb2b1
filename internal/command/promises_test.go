package command

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// twoSubnets is an address book of one VPC.
const twoSubnets = `
10.0.0.0/24 subnet_id=subnet-a vpc_id=vpc-1
10.0.1.0/24 subnet_id=subnet-b vpc_id=vpc-1
`

// loaded returns an engine with an address book and default settings.
func loaded(t *testing.T, subnets string, interfaces ...vpc.Interface) *engine {
	t.Helper()
	e := unloaded(t, subnets, interfaces...)
	if err := e.book.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// unloaded returns such an engine that does not know the subnets yet.
func unloaded(t *testing.T, subnets string, interfaces ...vpc.Interface) *engine {
	t.Helper()
	list, err := vpc.ParseSubnets("subnets", []byte(subnets))
	if err != nil {
		t.Fatal(err)
	}
	s := &settings{denyOutput: "off", subnetsRefresh: time.Hour}
	p := &program{stdout: io.Discard, stderr: io.Discard}
	e, err := newEngine(p, s, slog.New(slog.DiscardHandler), book{list, interfaces}, flowlog.Fixed(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// book is an address book as a loader.
type book struct {
	subnets    []flow.Subnet
	interfaces []vpc.Interface
}

func (b book) Load(context.Context) ([]flow.Subnet, []vpc.Interface, error) {
	return b.subnets, b.interfaces, nil
}

// read lets lines of default format through the whole way, as one body.
func (e *engine) read(t *testing.T, lines ...string) {
	t.Helper()
	body := flow.Body{Source: "test", Data: []byte(strings.Join(lines, "\n"))}
	if err := e.pipeline.Handle(t.Context(), body); err != nil {
		t.Fatal(err)
	}
}

// expect compares the samples of some metrics, "name{labels} value" a line;
// labels are sorted by name.
func (e *engine) expect(t *testing.T, want string, metrics ...string) {
	t.Helper()
	var text strings.Builder
	if err := writeProm(&text, totals{metrics: e.metrics}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(text.String()) {
		name, _, _ := strings.Cut(line, "{")
		for _, m := range metrics {
			if name == m && !strings.HasSuffix(strings.TrimSpace(line), " 0") {
				got = append(got, strings.TrimSpace(line))
			}
		}
	}
	if got, want := strings.Join(got, "\n"), strings.TrimSpace(want); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	e.expectIdentity(t)
}

// expectIdentity checks that every record is accounted for.
func (e *engine) expectIdentity(t *testing.T) {
	t.Helper()
	s := e.sum().sum
	if s.Records != s.Counted+s.Skipped.Sum()+s.Unmatched {
		t.Errorf("%d records are not %d counted + %d skipped + %d unmatched", s.Records, s.Counted, s.Skipped.Sum(), s.Unmatched)
	}
	var flows uint64
	for _, r := range e.sum().rows {
		for _, c := range r.Counts {
			flows += c.Flows
		}
	}
	if flows != s.Counted {
		t.Errorf("%d flows in the totals, %d records counted", flows, s.Counted)
	}
}

func TestTrafficBetweenTwoLoggedInterfacesCountsOnceAtEachEnd(t *testing.T) {
	e := loaded(t, twoSubnets,
		vpc.Interface{ID: "eni-a", SubnetID: "subnet-a", VPCID: "vpc-1", Addrs: addresses("10.0.0.5")},
		vpc.Interface{ID: "eni-b", SubnetID: "subnet-b", VPCID: "vpc-1", Addrs: addresses("10.0.1.7")})
	e.read(t,
		"2 123456789012 eni-a 10.0.0.5 10.0.1.7 40000 443 6 100 5000 1700000000 1700000060 ACCEPT OK",
		"2 123456789012 eni-b 10.0.0.5 10.0.1.7 40000 443 6 100 5000 1700000000 1700000060 ACCEPT OK")
	e.expect(t, `
flowlog_received_packets_total{subnet="10.0.1.0/24",vpc_id="vpc-1"} 100
flowlog_sent_packets_total{subnet="10.0.0.0/24",vpc_id="vpc-1"} 100`,
		"flowlog_received_packets_total", "flowlog_sent_packets_total", "flowlog_records_ambiguous_total")
}

// TestDirectionIsLearnedWithoutTheAddressBook: both ends are local and nothing
// names the interfaces' addresses, but each interface has other flows, too.
func TestDirectionIsLearnedWithoutTheAddressBook(t *testing.T) {
	e := loaded(t, twoSubnets)
	e.read(t,
		"2 123456789012 eni-a 10.0.0.5 10.0.1.7 40000 443 6 100 5000 1700000000 1700000060 ACCEPT OK",
		"2 123456789012 eni-a 10.0.0.5 10.0.1.8 40001 443 6 1 50 1700000000 1700000060 ACCEPT OK",
		"2 123456789012 eni-b 10.0.0.5 10.0.1.7 40000 443 6 100 5000 1700000000 1700000060 ACCEPT OK",
		"2 123456789012 eni-b 203.0.113.9 10.0.1.7 40000 443 6 2 80 1700000000 1700000060 ACCEPT OK")
	e.expect(t, `
flowlog_received_packets_total{subnet="10.0.1.0/24",vpc_id="vpc-1"} 102
flowlog_sent_packets_total{subnet="10.0.0.0/24",vpc_id="vpc-1"} 101`,
		"flowlog_received_packets_total", "flowlog_sent_packets_total", "flowlog_records_ambiguous_total")
}

func TestAmbiguousRecordCountsAsEgressOfTheSource(t *testing.T) {
	e := loaded(t, twoSubnets)
	e.read(t, "2 123456789012 eni-a 10.0.0.5 10.0.1.7 40000 443 6 100 5000 1700000000 1700000060 ACCEPT OK")
	e.expect(t, `
flowlog_records_ambiguous_total{source="test"} 1
flowlog_sent_packets_total{subnet="10.0.0.0/24",vpc_id="vpc-1"} 100`,
		"flowlog_received_packets_total", "flowlog_sent_packets_total", "flowlog_records_ambiguous_total")
}

func TestNodataAmongGoodLinesLosesNone(t *testing.T) {
	e := loaded(t, twoSubnets)
	good := "2 123456789012 eni-a 10.0.0.5 203.0.113.9 40000 443 6 10 500 1700000000 1700000060 ACCEPT OK"
	e.read(t, good, good, "2 123456789012 eni-a - - - - - - - 1700000000 1700000060 - NODATA", good, good)
	e.expect(t, `
flowlog_records_skipped_total{reason="nodata",source="test"} 1
flowlog_records_total{source="test"} 5
flowlog_sent_flows_total{subnet="10.0.0.0/24",vpc_id="vpc-1"} 4`,
		"flowlog_records_total", "flowlog_records_skipped_total", "flowlog_sent_flows_total")
}

func TestRejectedEgressIsDeniedEgress(t *testing.T) {
	e := loaded(t, twoSubnets)
	e.read(t, "2 123456789012 eni-a 10.0.0.5 203.0.113.9 40000 25 6 3 180 1700000000 1700000060 REJECT OK")
	e.expect(t, `flowlog_denied_packets_total{direction="egress",subnet="10.0.0.0/24",vpc_id="vpc-1"} 3`,
		"flowlog_denied_packets_total", "flowlog_sent_packets_total", "flowlog_received_packets_total")
}

func TestImpossibleNumbersAreMalformed(t *testing.T) {
	for _, number := range []string{"NaN", "-5", "+5", "1e9", "0x10", "1.5", "18446744073709551616", "18446744073709551615", "9007199254740992", "99999999999999999999999999", "Inf", "５"} {
		t.Run(number, func(t *testing.T) {
			e := loaded(t, twoSubnets)
			e.read(t, "2 123456789012 eni-a 10.0.0.5 203.0.113.9 40000 443 6 "+number+" 500 1700000000 1700000060 ACCEPT OK",
				"2 123456789012 eni-a 10.0.0.5 203.0.113.9 40000 443 6 1 "+number+" 1700000000 1700000060 ACCEPT OK",
				"2 123456789012 eni-a 10.0.0.5 203.0.113.9 40000 443 6 1 40 1700000000 1700000060 ACCEPT OK")
			e.expect(t, `
flowlog_records_skipped_total{reason="malformed",source="test"} 2
flowlog_records_total{source="test"} 3
flowlog_sent_packets_total{subnet="10.0.0.0/24",vpc_id="vpc-1"} 1`,
				"flowlog_records_total", "flowlog_records_skipped_total", "flowlog_sent_packets_total")
		})
	}
}

func TestForeignColumnsAreAFormatOfTheirOwn(t *testing.T) {
	e := loaded(t, twoSubnets)
	e.read(t, "bogus line", "2 123456789012 eni-a 10.0.0.5 203.0.113.9 40000 443 6 1 40 1700000000 1700000060 ACCEPT OK")
	e.expect(t, `
flowlog_records_skipped_total{reason="format",source="test"} 1
flowlog_sent_packets_total{subnet="10.0.0.0/24",vpc_id="vpc-1"} 1`,
		"flowlog_records_skipped_total", "flowlog_sent_packets_total")
}

func TestUnknownAddressesAreUnmatched(t *testing.T) {
	e := loaded(t, twoSubnets)
	e.read(t, "2 123456789012 eni-z 172.16.0.5 203.0.113.9 40000 443 6 1 40 1700000000 1700000060 ACCEPT OK")
	e.expect(t, `flowlog_records_unmatched_total{source="test"} 1`,
		"flowlog_records_unmatched_total", "flowlog_records_ambiguous_total", "flowlog_sent_packets_total")
}

// TestWholeRegistryIsClean lints every metric by Prometheus' own rules.
func TestWholeRegistryIsClean(t *testing.T) {
	e := loaded(t, twoSubnets)
	e.read(t, "2 123456789012 eni-a 10.0.0.5 203.0.113.9 40000 443 6 1 40 1700000000 1700000060 ACCEPT OK")
	var text strings.Builder
	if err := writeProm(&text, totals{metrics: e.metrics}); err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.New(strings.NewReader(text.String())).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestParsePlaceAndCountDoNotAllocate sends CloudWatch Logs envelopes of 400
// records the whole way.
func TestParsePlaceAndCountDoNotAllocate(t *testing.T) {
	e := loaded(t, twoSubnets)
	const records, runs = 400, 100
	var bodies []flow.Body
	for i := range runs + 1 + runtime.GOMAXPROCS(0) {
		bodies = append(bodies, flow.Body{
			Source: "test", Data: envelope(i*records, records), Place: flow.Place{Partition: "shard", Position: "1"},
		})
	}
	sent := 0
	handle := func() {
		if err := e.pipeline.Handle(context.Background(), bodies[sent]); err != nil {
			t.Fatal(err)
		}
		sent++
	}
	for range runtime.GOMAXPROCS(0) { // the workers and their buffers are made once
		handle()
	}
	if n := testing.AllocsPerRun(runs, handle); n != 0 {
		t.Errorf("%v allocations for a body of %d records", n, records)
	}
	if s := e.sum().sum; s.Counted != uint64(sent*records) || s.Counted != s.Records {
		t.Errorf("%d records sent, but %+v", sent*records, s)
	}
}
