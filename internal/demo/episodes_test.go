package demo

import (
	"fmt"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// TestEpisodes finds each episode in the text of the first 100 seconds.
func TestEpisodes(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			v := NewVPC(seed)
			tried := map[string]map[string]bool{} // ports by source and target
			mail := 0
			leaked, usual := map[string]uint64{}, uint64(0)
			each(t, traffic(v, 100, 100), func(_ *message, c []string) {
				pair := c[3] + " " + c[4]
				switch {
				case c[13] != "OK":
				case c[12] == "ACCEPT" && c[6] == "443":
					if n := number(t, c[9]); n > 1_000_000 {
						leaked[pair] += n
					} else {
						usual = max(usual, n)
					}
				case c[12] == "REJECT" && c[6] == "25":
					mail++
				case c[12] == "REJECT":
					if tried[pair] == nil {
						tried[pair] = map[string]bool{}
					}
					tried[pair][c[6]] = true
				}
			})
			most := 0
			for _, ports := range tried {
				most = max(most, len(ports))
			}
			if most < 50 {
				t.Errorf("the widest port scan tried %d ports", most)
			}
			if mail < 10 {
				t.Errorf("%d refused mails", mail)
			}
			// Application to the outside, to the gateway, and the gateway to the outside.
			if len(leaked) != 3 {
				t.Errorf("exfiltration between %v, the usual flow has up to %d bytes", leaked, usual)
			}
		})
	}
}

// TestRejectSpike: in the first minute one public subnet is refused far more
// in some seconds than before the first episode.
func TestRejectSpike(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			v := NewVPC(seed)
			var calm, highest uint64
			before := v.Truth()
			for s := range 60 {
				v.Next(noon.Add(time.Duration(s)*time.Second), 200)
				now := v.Truth()
				for slot := range 2 {
					p := Placement{v.subnets[slot].CIDR, flow.Ingress, flow.Reject}
					n := now.Traffic[p].Flows - before.Traffic[p].Flows
					if s < 5 { // before all episodes
						calm = max(calm, n)
					}
					highest = max(highest, n)
				}
				before = now
			}
			if calm == 0 || highest < 5*calm {
				t.Errorf("refused flows a second: at most %d, %d when calm", highest, calm)
			}
		})
	}
}

func TestOccurrence(t *testing.T) {
	e := episode{first: 10 * time.Second, every: time.Minute, lasts: 20 * time.Second}
	for _, c := range []struct {
		elapsed time.Duration
		n       uint64
		on      bool
	}{
		{0, 0, false},
		{10*time.Second - 1, 0, false},
		{10 * time.Second, 0, true},
		{30*time.Second - 1, 0, true},
		{30 * time.Second, 0, false},
		{70 * time.Second, 1, true},
		{90 * time.Second, 1, false},
		{130 * time.Second, 2, true},
	} {
		if n, on := e.occurrence(c.elapsed); n != c.n || on != c.on {
			t.Errorf("after %v: %d, %v", c.elapsed, n, on)
		}
	}
}

func TestEpisodesBeginInTheFirstMinute(t *testing.T) {
	for seed := range uint64(200) {
		for _, e := range NewVPC(seed).episodes {
			if e.first < 5*time.Second || e.first >= time.Minute || e.lasts < 20*time.Second || e.every < 2*e.lasts {
				t.Fatalf("seed %d: %+v", seed, e)
			}
		}
	}
}
