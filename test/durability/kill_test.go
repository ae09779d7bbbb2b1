//go:build durability

package durability

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	// usualKills is how often the exporter is killed without FLOWLOG_KILLS.
	usualKills = 30
	// worlds is how many exporters die side by side: a life is mostly waiting.
	worlds = 3
)

// TestFault01KillLoop kills the exporter at random instants, while flow logs
// come in, shards split and merge, and calls of Kinesis fail. FLOWLOG_KILLS says
// how often, FLOWLOG_SEED which instants.
func TestFault01KillLoop(t *testing.T) {
	kills, seed := setting(t, "FLOWLOG_KILLS", usualKills), setting(t, "FLOWLOG_SEED", 1)
	began := time.Now()
	var loops [worlds]*loop
	t.Run("worlds", func(t *testing.T) {
		for i := range loops {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				number := uint64(seed*worlds + i)
				loops[i] = &loop{world: newWorld(t, number, 4), rng: rand.New(rand.NewPCG(number, 2))}
				loops[i].run((kills + worlds - 1 - i) / worlds)
			})
		}
	})
	var all loop
	faults, scrapes, wrong := 0, 0, 0
	for _, l := range loops {
		if l == nil || l.compared == 0 {
			t.Fatalf("a world did not come to its end; again: FLOWLOG_SEED=%d FLOWLOG_KILLS=%d go test -tags durability -run TestFault01KillLoop ./test/durability", seed, kills)
		}
		all.unborn, all.inCommit, all.moved = all.unborn+l.unborn, all.inCommit+l.inCommit, all.moved+l.moved
		all.compared, all.asked, all.records = all.compared+l.compared, all.asked+l.asked, all.records+l.records
		faults, scrapes, wrong = faults+l.endpoint.happened(), scrapes+l.log.scrapes, wrong+l.log.wrong
	}
	t.Logf("kill -9: %d kills in %v (%d before it listened, %d in a commit), %d lives moved the totals, seed %d; "+
		"%.0f records put, %d calls of Kinesis failed; %d series equal to the truth, %d by increase(); %d scrapes, %d series in them lower or unaccounted for",
		kills, time.Since(began).Round(time.Second), all.unborn, all.inCommit, all.moved, seed,
		all.records, faults, all.compared, all.asked, scrapes, wrong)
	if all.moved < kills/5 {
		t.Errorf("only %d of %d lives moved the totals: the kills hit nothing", all.moved, kills)
	}
}

func setting(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// loop is one exporter in many short lives, and the figures that it leaves.
type loop struct {
	*world
	rng                     *rand.Rand
	unborn, inCommit, moved int
	compared, asked         int
	records                 float64
}

// run lets the exporter live and die, and compares in the end.
func (l *loop) run(kills int) {
	l.born()
	l.endpoint.perMille.Store(30)
	stop := l.traffic(10)
	for range kills {
		l.live()
	}
	stop()
	l.endpoint.perMille.Store(0)
	p := l.start()
	compared := l.settled(p, p.url())
	p.stop()
	l.asked, l.records = l.log.increases(l.truth()), l.truth()[recordsSeries]
	l.compared = compared
}

// born is the first life: it shows every series at 0, and ends well.
func (w *world) born() {
	w.t.Helper()
	p := w.start()
	url := p.url()
	want := w.truth()
	p.until(func() error { return compare(want, w.log.scrape(p, url)) })
	p.stop()
}

// live is a life that ends by kill -9: some lives before the exporter listens,
// some before it reads, some in the middle of a commit, most while it reads.
func (l *loop) live() {
	before, calls := l.log.latest()[recordsSeries], l.endpoint.calls.Load()
	p := l.start()
	kind := l.rng.IntN(100)
	if kind < 15 {
		l.unborn++
		time.Sleep(l.upTo(40 * time.Millisecond))
		p.kill()
		return
	}
	address, err := p.match(listening)
	if err != nil {
		l.t.Fatal(err)
	}
	stop := l.watch(p, "http://"+address)
	for kind >= 30 && l.endpoint.calls.Load() == calls && p.running() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(l.upTo(200 * time.Millisecond))
	if kind < 60 && l.committing() {
		l.inCommit++
	}
	if !p.running() {
		l.t.Fatalf("it ended by itself (%v):\n%s", p.cmd.ProcessState, p.output)
	}
	p.kill()
	stop()
	if l.log.latest()[recordsSeries] > before {
		l.moved++
	}
}

func (l *loop) upTo(most time.Duration) time.Duration {
	return time.Duration(l.rng.Int64N(int64(most)))
}

// committing waits until a file lies in the state directory that is not there
// between commits, and reports whether one came.
func (l *loop) committing() bool {
	for end := time.Now().Add(4 * commitInterval); time.Now().Before(end); {
		entries, err := os.ReadDir(l.state)
		if err != nil {
			l.t.Fatal(err)
		}
		if slices.ContainsFunc(entries, func(e os.DirEntry) bool {
			return !slices.Contains([]string{"state", "state.1", "lock"}, e.Name())
		}) {
			return true
		}
	}
	return false
}

// watch scrapes until it is told to stop. More must never be shown than was put.
func (w *world) watch(p *process, url string) (stop func()) {
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			got := w.log.scrape(p, url)
			if err := w.beyond(got); err != nil {
				w.t.Error(err)
				return
			}
			select {
			case <-done:
				return
			case <-p.done:
				return
			case <-tick.C:
			}
		}
	})
	stop = sync.OnceFunc(func() { close(done); watching.Wait() })
	w.t.Cleanup(stop)
	return stop
}

// beyond says which series show more than was put by now.
func (w *world) beyond(got page) error {
	for series, most := range w.truth() {
		if v := got.values[series]; v > most {
			return fmt.Errorf("%s shows %v, only %v were put", series, v, most)
		}
	}
	return nil
}
