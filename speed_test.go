package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
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

func BenchmarkFreeze(b *testing.B) {
	for _, series := range []int{500, 5_000, 50_000} {
		b.Run(fmt.Sprint(series), func(b *testing.B) {
			e := busy(b, series)
			b.ReportAllocs()
			for b.Loop() {
				if err := e.ledger.Change(func() {}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
