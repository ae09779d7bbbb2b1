package demo

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// TestTruth recounts the text with the table of interfaces.
func TestTruth(t *testing.T) {
	var lost uint64
	for _, seed := range []uint64{1, 2, 1 << 63} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			v := NewVPC(seed)
			all := traffic(v, 120, 100)
			table, subnets := v.interfaces(), v.Subnets()
			got := Truth{Traffic: map[Placement]Amount{}, Control: 1}
			actions := map[string]flow.Action{"ACCEPT": flow.Accept, "REJECT": flow.Reject}
			each(t, all, func(_ *message, c []string) {
				at := table[c[2]]
				p := Placement{CIDR: subnets[at.subnet].CIDR, Action: actions[c[12]]}
				switch {
				case c[13] == "NODATA":
					got.NoData++
					return
				case c[13] == "SKIPDATA":
					got.SkipData++
					return
				case slices.Contains(at.addr[:], c[3]):
					p.Direction = flow.Egress
				case slices.Contains(at.addr[:], c[4]):
					p.Direction = flow.Ingress
				}
				a := got.Traffic[p]
				a.Flows++
				a.Packets += number(t, c[8])
				a.Bytes += number(t, c[9])
				got.Traffic[p] = a
			})
			want := v.Truth()
			for p, a := range want.Traffic {
				if a == (Amount{}) {
					delete(want.Traffic, p)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			// All six subnets send and receive, the public ones are probed, one
			// application at least is refused mail.
			if got.NoData == 0 || len(got.Traffic) < 6*2+2+1 {
				t.Errorf("%d NODATA, traffic %v", got.NoData, got.Traffic)
			}
			lost += got.SkipData
		})
	}
	if lost == 0 {
		t.Error("no SKIPDATA")
	}
}

func TestTruthHasEveryPlacement(t *testing.T) {
	if n := len(NewVPC(1).Truth().Traffic); n != 6*2*2 {
		t.Error(n, "placements")
	}
}
