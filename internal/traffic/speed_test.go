package traffic

import (
	"fmt"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// busy returns totals of so many series, all of which have counted.
func busy(series int) *Totals {
	var subnets []*flow.Subnet
	for i := range series / 12 {
		subnets = append(subnets, &flow.Subnet{
			CIDR: fmt.Sprintf("10.%d.%d.%d/28", i>>12, i>>4&255, i&15<<4), VPCID: fmt.Sprintf("vpc-%017x", i/200*7919), Slot: i,
		})
	}
	t := New()
	t.SetSubnets(subnets)
	for i := range t.rows {
		for c := range t.rows[i].Counts {
			n := uint64(i*12 + c)
			t.rows[i].Counts[c] = Amount{Bytes: n * n * 1234567, Packets: n * 54321, Flows: n * 17}
		}
	}
	return t
}

func BenchmarkFreeze(b *testing.B) {
	for _, series := range []int{500, 5_000, 50_000, 600_000} {
		b.Run(fmt.Sprint(series), func(b *testing.B) {
			t := busy(series)
			b.ReportAllocs()
			for b.Loop() {
				t.Freeze().Release()
			}
		})
	}
}

func BenchmarkAppendState(b *testing.B) {
	for _, series := range []int{500, 5_000, 50_000, 600_000} {
		b.Run(fmt.Sprint(series), func(b *testing.B) {
			t := busy(series)
			b.ReportAllocs()
			var state []byte
			for b.Loop() {
				state = t.AppendState(state[:0])
			}
		})
	}
}

func BenchmarkRender(b *testing.B) {
	for _, format := range []string{"text", "openmetrics"} {
		for _, series := range []int{500, 5_000, 50_000, 600_000} {
			b.Run(fmt.Sprint(format, "/", series), func(b *testing.B) {
				frozen := busy(series).Freeze()
				flush := func(b []byte) []byte { return b[:0] }
				b.ReportAllocs()
				var text []byte
				for b.Loop() {
					for family := range frozen.Families() {
						text = family.Append(text[:0], format != "text", flush)
					}
				}
			})
		}
	}
}
