package oracle

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/ledger"
	"github.com/flowlog-exporter/flowlog-exporter/internal/pipeline"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// cases is how many logs the property is checked on.
const cases = 10_000

// TestRealWayEqualsOracle draws address books and flow logs, and counts them
// both ways. A failing case is shrunk and printed with the command that runs it
// again.
func TestRealWayEqualsOracle(t *testing.T) {
	preset(t, "rapid.checks", strconv.Itoa(cases))
	preset(t, "rapid.seed", "20260601")
	var records uint64
	rapid.Check(t, func(t *rapid.T) { records += compare(t) })
	t.Logf("%s logs with %d records: the same totals both ways", flag.Lookup("rapid.checks").Value, records)
}

// preset sets a flag of rapid unless it was given. The seed is fixed so that CI
// is the same each time; the fuzz target and -rapid.seed explore.
func preset(t *testing.T, name, value string) {
	f := flag.Lookup(name)
	if f.Value.String() != f.DefValue {
		return
	}
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, f.DefValue) })
}

// FuzzRealWayEqualsOracle is the same property under coverage-guided fuzzing.
func FuzzRealWayEqualsOracle(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { compare(t) }))
}

// compare counts what it draws both ways and returns how many records it were.
func compare(t *rapid.T) uint64 {
	subnets, interfaces := drawBook(t)
	slow := &Counter{Subnets: subnets, Interfaces: interfaces, Rows: map[Row]Amount{}, Skipped: map[string]uint64{}, learned: map[string]*knowledge{}}
	fast := newReal(subnets, interfaces)
	var bodies []Body
	for range rapid.IntRange(1, 4).Draw(t, "bodies") {
		b := drawBody(t)
		bodies = append(bodies, b)
		slow.Count(b)
		if err := fast.pipeline.Handle(context.Background(), fast.body(t, b)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(slow.result(), fast.result()); diff != "" {
		t.Fatalf("oracle and real way differ (-oracle +real):\n%s\nsubnets: %+v\ninterfaces: %+v\nbodies: %#v", diff, subnets, interfaces, bodies)
	}
	if r := slow.result(); r.Records != r.Counted+r.Unmatched+sum(r.Skipped) {
		t.Fatalf("the identity does not hold: %+v", r)
	}
	return slow.Records
}

// result is what both ways come to.
type result struct {
	Rows                                   map[Row]Amount
	Records, Counted, Unmatched, Ambiguous uint64
	Skipped                                map[string]uint64
}

func (c *Counter) result() result {
	return result{c.Rows, c.Records, c.Counted, c.Unmatched, c.Ambiguous, c.Skipped}
}

func sum(m map[string]uint64) (n uint64) {
	for v := range maps.Values(m) {
		n += v
	}
	return n
}

// realWay is the product's way from bytes to totals.
type realWay struct {
	pipeline *pipeline.Pipeline
	totals   *traffic.Totals
	accounts *pipeline.Accounts
	ledger   ledger.Ledger
	formats  map[string]*flowlog.Set
}

type locator struct {
	table  *vpc.Table
	placer vpc.Placer
}

func (l *locator) Begin() {}

func (l *locator) Locate(records []flow.Record) { l.placer.Locate(l.table, records) }

// For implements flowlog.Formats: each body has a log group of its own.
// A text has none, and a header line that overrides what is said here.
func (r *realWay) For(group []byte) *flowlog.Set {
	if len(group) == 0 {
		return flowlog.Fixed()
	}
	return r.formats[string(group)]
}

func newReal(subnets []Subnet, interfaces []Interface) *realWay {
	var list []flow.Subnet
	for _, s := range subnets {
		list = append(list, flow.Subnet{CIDR: s.CIDR, Prefixes: s.Prefixes, ID: s.ID, VPCID: s.VPCID, AZID: s.AZID, AccountID: s.AccountID})
	}
	var known []vpc.Interface
	for _, i := range interfaces {
		known = append(known, vpc.Interface{ID: i.ID, SubnetID: i.SubnetID, VPCID: i.VPCID, Addrs: i.Addresses})
	}
	table, learner := vpc.NewTable(list, known), &vpc.Learner{}
	r := &realWay{totals: traffic.New(), accounts: pipeline.NewAccounts("test"), formats: map[string]*flowlog.Set{}}
	r.totals.SetSubnets(table.Subnets())
	r.pipeline = &pipeline.Pipeline{
		NewReader:  func(flowlog.Deliveries) pipeline.Reader { return flowlog.NewReader(flowlog.Options{Formats: r}) },
		NewLocator: func() pipeline.Locator { return &locator{table, vpc.Placer{Learner: learner}} },
		NewTally:   func() pipeline.Tally { return r.totals.Tally() },
		Ledger:     &r.ledger, Accounts: r.accounts,
	}
	return r
}

// body writes the lines as a text with a header, or as a CloudWatch Logs
// message; packed or plain.
func (r *realWay) body(t *rapid.T, b Body) flow.Body {
	data := []byte(strings.Join(append([]string{strings.Join(b.Formats[0], " ")}, b.Lines...), "\n"))
	if !b.Text {
		data = r.message(t, b)
	}
	if chance(t, "plain", 2) {
		return flow.Body{Source: "test", Data: data}
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(data)
	_ = w.Close()
	return flow.Body{Source: "test", Data: packed.Bytes()}
}

func (r *realWay) message(t *rapid.T, b Body) []byte {
	var formats []*flowlog.Format
	for _, names := range b.Formats {
		format, err := flowlog.ParseFormat(spell(t, names))
		if err != nil {
			t.Fatal(err)
		}
		formats = append(formats, format)
	}
	group := fmt.Sprint("group-", len(r.formats))
	r.formats[group] = flowlog.Fixed(formats...)
	events := []map[string]any{}
	for i, line := range b.Lines {
		events = append(events, map[string]any{"id": strconv.Itoa(i), "timestamp": 1700000000000 + i, "message": line})
	}
	data, err := json.Marshal(map[string]any{
		"messageType": "DATA_MESSAGE", "owner": b.Owner, "logGroup": group, "logStream": b.LogStream,
		"subscriptionFilters": []string{"filter"}, "logEvents": events,
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (r *realWay) result() result {
	s := r.accounts.Sum()
	out := result{map[Row]Amount{}, s.Records, s.Counted, s.Unmatched, s.Ambiguous, map[string]uint64{}}
	for reason, n := range s.Skipped {
		if n > 0 {
			out.Skipped[flow.Reason(reason).String()] = n
		}
	}
	for _, row := range r.totals.Rows() {
		for class, a := range row.Counts {
			c := traffic.Class(class)
			if a.Flows > 0 {
				key := Row{
					VPCID: row.Subnet.VPCID, CIDR: row.Subnet.CIDR,
					Egress: c == traffic.Sent || c == traffic.DeniedEgress, Denied: c == traffic.DeniedIngress || c == traffic.DeniedEgress,
				}
				out.Rows[key] = Amount{Bytes: a.Bytes, Packets: a.Packets, Flows: a.Flows}
			}
		}
	}
	return out
}
