package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/ledger"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// perSubnet is how many series a subnet has: its counters and its identity.
const perSubnet = 13

// estate is an address book of as many subnets as have about so many series.
type estate int

// Load implements vpc.Loader.
func (series estate) Load(context.Context) (list []flow.Subnet, _ []vpc.Interface, _ error) {
	var text []byte
	for i := range int(series) / perSubnet {
		text = fmt.Appendf(text, "10.%d.%d.%d/28 vpc_id=vpc-%017x subnet_id=subnet-%017x name=subnet-%d\n", i>>12, i>>4&255, i&15<<4, i/200, i, i)
	}
	list, err := vpc.ParseSubnets("subnets", text)
	return list, nil, err
}

// busy returns an engine of so many series, all of which have counted.
func busy(tb testing.TB, series int) *engine {
	s := &settings{denyOutput: "off", subnetsRefresh: time.Hour}
	p := &program{stdout: io.Discard, stderr: io.Discard}
	e, err := newEngine(p, s, slog.New(slog.DiscardHandler), estate(series), flowlog.Fixed(), "kinesis")
	if err != nil {
		tb.Fatal(err)
	}
	if err := e.book.Load(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	var records []flow.Record
	for i, row := range e.totals.Rows() {
		for j := range 4 {
			action := flow.Accept
			if j > 1 {
				action = flow.Reject
			}
			records = append(records, flow.Record{Subnet: row.Subnet, Direction: flow.Direction(1 + j%2), Action: action,
				Packets: uint64(i*1000 + j), Bytes: uint64(i * 1234567)})
		}
	}
	tally := e.totals.Tally()
	tally.Observe(records)
	tally.Apply()
	return e
}

// nowhere is a store that keeps nothing.
type nowhere struct{}

// Save implements ledger.Store.
func (nowhere) Save(*ledger.Snapshot) error { return nil }

// BenchmarkCommit commits a change of each size: what holds the ledger, what
// encodes, what publishes, and no disk.
func BenchmarkCommit(b *testing.B) {
	for _, series := range []int{500, 5_000, 50_000} {
		b.Run(fmt.Sprint(series), func(b *testing.B) {
			commit := committing(b, series)
			b.ReportAllocs()
			for b.Loop() {
				commit()
			}
		})
	}
}

// BenchmarkFreeze measures of a commit what holds the ledger, so that no body
// counts meanwhile.
func BenchmarkFreeze(b *testing.B) {
	for _, series := range []int{500, 5_000, 50_000} {
		b.Run(fmt.Sprint(series), func(b *testing.B) {
			e := busy(b, series)
			var state []byte
			b.ReportAllocs()
			for b.Loop() {
				e.ledger.View(func() {
					state = e.accounts.AppendState(state[:0])
					encode := e.totals.FreezeState()
					publish := e.committed.present()
					b.StopTimer()
					state = encode(state[:0])
					publish()
					b.StartTimer()
				})
			}
		})
	}
}

// committing returns what commits an engine of so many series as if all had
// counted, after the commits that tell of the address book.
func committing(tb testing.TB, series int) (commit func()) {
	e := busy(tb, series)
	e.ledger.Store = nowhere{}
	commit = func() {
		if err := e.ledger.Change(func() {}); err != nil {
			tb.Fatal(err)
		}
	}
	for range 3 {
		commit()
	}
	return commit
}

// TestCommitsDoNotAllocateBySeries: what a commit allocates is the same for few
// subnets and for many.
func TestCommitsDoNotAllocateBySeries(t *testing.T) {
	var allocated [2]float64
	for i, series := range []int{500, 50_000} {
		allocated[i] = testing.AllocsPerRun(20, committing(t, series))
	}
	// The race detector makes pools forget at random.
	if allocated[1] > allocated[0]+20 {
		t.Errorf("%.0f allocations for 500 series, %.0f for 50,000", allocated[0], allocated[1])
	}
}
