package source

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
)

var manySeeds = flag.Int("seeds", 0, "run the simulation with so many seeds; 0 is 500, or 10,000 when FLOWLOG_DURABILITY=1")

// TestSimulation shows that with a ledger that commits totals and places at
// once every record is counted exactly once, through crashes at any instant,
// stalls of the process longer than an iterator lives, jumps of its clock, a
// slow and failing store, a stream that is made anew, and all that the hostile
// Kinesis does. A seed that fails is run again by
//
//	go test ./internal/source -run '^TestSimulation$' -seed N
func TestSimulation(t *testing.T) {
	t.Parallel()
	seeds, from, parts := *manySeeds, 0, runtime.GOMAXPROCS(0)
	switch {
	case *onlySeed >= 0:
		from, seeds, parts = *onlySeed, *onlySeed+1, 1
	case seeds == 0 && os.Getenv("FLOWLOG_DURABILITY") == "1":
		seeds = 10000
	case seeds == 0:
		seeds = 500
	}
	sums := make([]toll, parts)
	t.Cleanup(func() {
		var all toll
		for _, s := range sums {
			all.add(s)
		}
		t.Logf("simulation: %s", &all)
	})
	for part := range parts {
		t.Run(strconv.Itoa(part), func(t *testing.T) {
			t.Parallel()
			for seed := from + part; seed < seeds && !t.Failed(); seed += parts {
				synctest.Test(t, func(t *testing.T) {
					sums[part].add(simulate(t, uint64(seed)))
					if t.Failed() {
						t.Errorf("run it again: go test ./internal/source -run '^TestSimulation$' -seed %d", seed)
					}
				})
			}
		})
	}
}

// toll is the figures of many seeds.
type toll struct {
	seeds, records, lost, doubled                 int
	crashes, stalls, jumps, commits, failed, anew int
	calls, struck, reshards, gaveUp               int
}

func (s *toll) add(o toll) {
	s.seeds, s.records, s.lost, s.doubled = s.seeds+o.seeds, s.records+o.records, s.lost+o.lost, s.doubled+o.doubled
	s.crashes, s.stalls, s.jumps, s.anew = s.crashes+o.crashes, s.stalls+o.stalls, s.jumps+o.jumps, s.anew+o.anew
	s.commits, s.failed, s.gaveUp = s.commits+o.commits, s.failed+o.failed, s.gaveUp+o.gaveUp
	s.calls, s.struck, s.reshards = s.calls+o.calls, s.struck+o.struck, s.reshards+o.reshards
}

func (s *toll) String() string {
	return fmt.Sprintf("%d seeds, %d records, %d lost, %d doubled; %d crashes, %d stalls, %d clock jumps, %d commits and %d that failed, "+
		"%d streams made anew (%d unread records went with them), %d splits and merges, %d of %d calls struck",
		s.seeds, s.records, s.lost, s.doubled, s.crashes, s.stalls, s.jumps, s.commits, s.failed, s.anew, s.gaveUp, s.reshards, s.struck, s.calls)
}

// world is one seed: a stream that is written and split, and one process after
// the other that reads it.
type world struct {
	toll
	t     *testing.T
	rng   *rand.Rand
	h     *hostile
	start Start
	life  *life

	mu        sync.Mutex
	store     snapshot      // what is durable
	stalled   time.Time     // until when the process does not run
	skew      time.Duration // of the clock of the process
	slowStore time.Duration // the longest that the store takes
	dice      *rand.Rand    // of the process, which takes turns as it likes

	want map[int]bool // by number of the record: true has to be counted, false may be
}

func simulate(t *testing.T, seed uint64) toll {
	rng := rand.New(rand.NewPCG(seed, 2))
	w := &world{
		t: t, rng: rng, dice: rand.New(rand.NewPCG(seed, 3)), want: map[int]bool{},
		h: &hostile{
			kinesis: &demo.Kinesis{Stream: "flow", Page: 2, Shards: 1 + rng.IntN(3)},
			seed:    seed, faults: faults, slowest: 45 * time.Second,
		},
		slowStore: []time.Duration{0, time.Second, 20 * time.Second}[rng.IntN(3)],
	}
	w.h.prepare()
	w.jump()
	w.begin()
	for range 4 + rng.IntN(6) {
		time.Sleep(time.Duration(rng.Int64N(int64(4 * time.Second))))
		w.write(rng.IntN(12), true)
		w.event()
	}
	w.settle()
	w.verify()
	return w.toll
}

// begin starts the first process, and ends when everything written after it
// has to be counted.
func (w *world) begin() {
	w.start = []Start{{TrimHorizon: true}, {}, {At: time.Now().Add(2 * time.Second)}}[w.rng.IntN(3)]
	w.write(5, w.start.TrimHorizon)
	time.Sleep(2 * time.Second) // the clock of the answers has whole seconds
	if w.start != (Start{}) {
		w.live()
		return
	}
	for n := range w.want {
		delete(w.want, n) // before latest: may not be counted
	}
	w.live()
	for w.life.source.Ready() != nil {
		time.Sleep(time.Second)
	}
	w.save(w.life.freeze())
}

func (w *world) write(n int, wanted bool) {
	open := w.h.kinesis.Open()
	for range n {
		w.records++
		if wanted {
			w.want[w.records] = true
		}
		if err := w.h.kinesis.PutTo(open[w.rng.IntN(len(open))], fmt.Append(nil, w.records)); err != nil {
			w.t.Error(err)
		}
	}
}

// event is what befalls the process or the stream.
func (w *world) event() {
	switch d := w.rng.IntN(100); {
	case d < 40:
		w.crash()
		if w.rng.IntN(2) == 0 {
			time.Sleep(time.Duration(w.rng.Int64N(int64(20 * time.Minute)))) // is down
		}
		if w.rng.IntN(2) == 0 {
			w.write(w.rng.IntN(5), true)
			w.reshard()
		}
		w.live()
	case d < 50:
		w.stalls++
		w.mu.Lock()
		w.stalled = time.Now().Add(time.Duration(w.rng.Int64N(int64(12 * time.Minute))))
		w.mu.Unlock()
	case d < 60:
		w.jump()
	case d < 90:
		w.reshard()
	case d < 94:
		w.recreate()
	}
}

// jump sets the clock of the process up to an hour wrong.
func (w *world) jump() {
	w.jumps++
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skew = time.Duration(w.rng.Int64N(int64(2*time.Hour))) - time.Hour
}

func (w *world) reshard() {
	open := w.h.kinesis.Open()
	one, other := open[w.rng.IntN(len(open))], open[w.rng.IntN(len(open))]
	if len(open) > 3 || w.rng.IntN(2) == 0 {
		if one == other || w.h.kinesis.Merge(one, other) != nil {
			return // not adjacent
		}
	} else if err := w.h.kinesis.Split(one); err != nil {
		w.t.Error(err)
	}
	w.reshards++
}

// recreate makes the stream anew. What was not committed by then can't be read
// again after a crash: it may be counted or not.
func (w *world) recreate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.anew++
	for n := range w.want {
		if w.store.counted[n] == 0 && w.want[n] {
			w.want[n] = false
			w.gaveUp++
		}
	}
	w.h.kinesis.Recreate()
}

// settle lets the last process read the rest, commits, and has one more look
// for anything that comes twice.
func (w *world) settle() {
	for deadline := time.Now().Add(time.Hour); time.Now().Before(deadline) && !w.life.complete(); {
		time.Sleep(5 * time.Second)
	}
	w.save(w.life.freeze())
	w.crash()
	w.live()
	time.Sleep(15 * time.Second)
	w.save(w.life.freeze())
	w.crash()
	w.crashes -= 1 // the last one is the end
}

func (w *world) verify() {
	sum, want := 0, 0
	for n := 1; n <= w.records; n++ {
		wanted, allowed := w.want[n]
		switch counted := w.store.counted[n]; {
		case counted > 1, counted == 1 && !allowed:
			w.doubled++
			w.t.Errorf("record %d was counted %d times; wanted %v, allowed %v", n, counted, wanted, allowed)
		case counted == 0 && wanted:
			w.lost++
			w.t.Errorf("record %d is lost", n)
		case counted == 1:
			want += n
		}
	}
	for n, counted := range w.store.counted {
		sum += n * counted
	}
	if w.t.Failed() {
		w.t.Logf("start %s, places %v, records %v", w.start, w.store.places, w.store.counted)
	}
	if sum != want {
		w.t.Errorf("the sum is %d, want %d", sum, want)
	}
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	w.seeds, w.calls = 1, w.h.total
	for _, n := range w.h.struck {
		w.struck += n
	}
}
