package corpus

import (
	"math/big"
	"net/netip"
)

// envelope is what one Kinesis data record holds.
type envelope struct {
	from  *eni
	idLow *big.Int // the constant part of the event ids
	flows []flow
}

// next draws one envelope.
func (w *world) next() *envelope {
	r := w.rng
	e := w.interfaces[skewed(r, len(w.interfaces))]
	w.clock += int64(r.IntN(2))
	env := &envelope{from: e, idLow: randBits(r, 143)}
	n := w.MinEvents + r.IntN(w.MaxEvents-w.MinEvents+1)
	peers4, peers6 := w.peers(e)
	windows := w.windows()
	for len(env.flows) < n {
		f := w.draw(e, peers4, peers6, windows[len(env.flows)*len(windows)/n])
		env.flows = append(env.flows, f)
		if f.accept && f.status == ok && len(env.flows) < n && r.IntN(100) < 55 {
			env.flows = append(env.flows, w.reverse(f))
		}
	}
	return env
}

// peers draws whom an interface talks to: its own VPC, others, the internet.
func (w *world) peers(e *eni) (peers4, peers6 []netip.Addr) {
	r := w.rng
	peers4, peers6 = make([]netip.Addr, 8+r.IntN(40)), make([]netip.Addr, 4+r.IntN(8))
	for i := range peers4 {
		switch x := r.IntN(100); {
		case x < 55:
			peers4[i] = w.byVPC[e.vpcIndex][r.IntN(len(w.byVPC[e.vpcIndex]))].v4
		case x < 65:
			peers4[i] = w.interfaces[r.IntN(len(w.interfaces))].v4
		default:
			peers4[i] = w.peers4[skewed(r, len(w.peers4))]
		}
	}
	for i := range peers6 {
		if r.IntN(100) < 50 {
			peers6[i] = w.interfaces[r.IntN(len(w.interfaces))].v6
		} else {
			peers6[i] = w.peers6[skewed(r, len(w.peers6))]
		}
	}
	return peers4, peers6
}

// windows draws the capture windows of an envelope, in Unix seconds.
func (w *world) windows() [][2]int64 {
	list := make([][2]int64, 2+w.rng.IntN(4))
	at := w.clock
	for i := range list {
		list[i] = [2]int64{at, at + 20 + int64(w.rng.IntN(45))}
		at += 5 + int64(w.rng.IntN(20))
	}
	return list
}
