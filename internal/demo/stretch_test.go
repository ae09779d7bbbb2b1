package demo

import (
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// TestStretch: no episode begins before calm is over, and all of them do within
// the tenth of a day that a minute has become.
func TestStretch(t *testing.T) {
	v := NewVPC(1)
	v.Stretch(24*time.Hour, 2*time.Hour)
	mails := func(from, to time.Duration) (n uint64) {
		before := v.Truth()
		for at := from; at < to; at += time.Minute {
			v.Next(noon.Add(at), 100)
		}
		for p, a := range v.Truth().Traffic {
			if p.Direction == flow.Egress && p.Action == flow.Reject {
				n += a.Flows - before.Traffic[p].Flows
			}
		}
		return n
	}
	if n := mails(0, 2*time.Hour); n != 0 {
		t.Errorf("%d mails are refused in calm hours", n)
	}
	if n := mails(2*time.Hour, 2*time.Hour+144*time.Minute); n < 10 {
		t.Errorf("%d mails are refused in the hours after", n)
	}
	if last := v.episodes[len(v.episodes)-1]; last.first < 2*time.Hour+144*36*time.Second || last.lasts < 144*20*time.Second || last.every < 144*150*time.Second {
		t.Errorf("an episode is %+v", last)
	}
}
