package demo

import (
	"math/rand/v2"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// episode is an incident that comes back: it begins first after the start of
// the traffic, then every so often, and lasts a while.
type episode struct {
	first, every, lasts time.Duration
	// write adds a round. The rand is the same for all rounds of one
	// occurrence and picks who takes part.
	write func(*VPC, *rand.Rand)
}

// schedule draws the episodes of the VPC. All begin within the first minute.
func (v *VPC) schedule() []episode {
	kinds := []func(*VPC, *rand.Rand){(*VPC).portScan, (*VPC).rejectSpike, (*VPC).exfiltration, (*VPC).egressDenial}
	between := func(low, high int) time.Duration {
		return time.Duration(low+v.rng.IntN(high-low)) * time.Second
	}
	var all []episode
	for i, write := range kinds {
		first := time.Duration(i)*12*time.Second + between(5, 17) // one after the other
		all = append(all, episode{first, between(150, 300), between(20, 40), write})
	}
	return all
}

// Stretch lets a day of the VPC last so long instead of ten minutes, with as many
// episodes as ever, each longer alike, and none before calm is over. It is called
// before the first Next.
func (v *VPC) Stretch(day, calm time.Duration) {
	longer := func(d time.Duration) time.Duration { return time.Duration(float64(d) * float64(day) / float64(v.day)) }
	for i, e := range v.episodes {
		v.episodes[i] = episode{calm + longer(e.first), longer(e.every), longer(e.lasts), e.write}
	}
	v.day = day
}

// occurrence returns which time it is that the episode happens, and whether it
// does, elapsed after the start of the traffic.
func (e *episode) occurrence(elapsed time.Duration) (n uint64, on bool) {
	since := elapsed - e.first
	return uint64(since / e.every), since >= 0 && since%e.every < e.lasts
}

// incident writes a round of one of the episodes that are on, if any.
func (v *VPC) incident(elapsed time.Duration) bool {
	i := v.rng.IntN(len(v.episodes))
	n, on := v.episodes[i].occurrence(elapsed)
	if on {
		cast := rand.New(rand.NewPCG(v.seed^uint64(i+1)<<32, n))
		v.episodes[i].write(v, cast)
	}
	return on
}

// portScan is one stranger who tries many ports of one load balancer.
func (v *VPC) portScan(cast *rand.Rand) {
	stranger, at := strangers.member(cast, ipv4), pick(cast, v.balancers)
	for range 10 {
		v.scanned++
		port := 1 + v.scanned%10000
		if port == 443 { // the one port that is open
			continue
		}
		v.write(at, flow.Ingress, v.refusal(stranger, at.addr[ipv4], tcp, port))
	}
}

// rejectSpike is a crowd of strangers at all load balancers of one subnet.
func (v *VPC) rejectSpike(cast *rand.Rand) {
	subnet := pick(cast, v.balancers).subnet
	for range 10 {
		for _, at := range v.balancers {
			if at.subnet == subnet {
				v.knock(at)
			}
		}
	}
}

// exfiltration is one application that sends a lot to one stranger.
func (v *VPC) exfiltration(cast *rand.Rand) {
	v.leave(pick(cast, v.applications), strangers.member(cast, ipv4), ipv4, leaking, asking)
}

// egressDenial is one application that may not send mail.
func (v *VPC) egressDenial(cast *rand.Rand) {
	from := pick(cast, v.applications)
	v.write(from, flow.Egress, v.refusal(from.addr[ipv4], services.member(v.rng, ipv4), tcp, 25))
}
