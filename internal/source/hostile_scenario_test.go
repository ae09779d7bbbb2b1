package source

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

var onlySeed = flag.Int("seed", -1, "run the hostile Kinesis with this seed only")

const (
	mixedSeeds = 500
	aloneSeeds = 25
)

// TestHostileKinesis shows that every record is handled exactly once, parents
// before children, and that no shard is read more often than AWS allows,
// whatever happens on the way. A seed that fails is run again by
//
//	go test ./internal/source -run '^TestHostileKinesis$/NAME' -seed N
func TestHostileKinesis(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run("alone/"+string(f), func(t *testing.T) {
			t.Parallel()
			sum := runSeeds(t, 0, aloneSeeds, []fault{f})
			t.Logf("%d seeds: %s", aloneSeeds, &sum)
		})
	}
	const parts = 4
	sums := make([]tally, parts)
	t.Cleanup(func() {
		var all tally
		for _, s := range sums {
			all.merge(s)
		}
		t.Logf("hostile Kinesis, all faults mixed: %d seeds: %s", mixedSeeds, &all)
	})
	for part := range parts {
		t.Run(fmt.Sprintf("mixed/%d", part), func(t *testing.T) {
			t.Parallel()
			sums[part] = runSeeds(t, part*mixedSeeds/parts, (part+1)*mixedSeeds/parts, faults)
		})
	}
}

func runSeeds(t *testing.T, from, to int, what []fault) (sum tally) {
	if *onlySeed >= 0 {
		from, to = *onlySeed, *onlySeed+1
	}
	name := strings.Replace(t.Name(), "/", "$/^", 1)
	for seed := from; seed < to && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			h := &hostile{
				kinesis: &demo.Kinesis{Stream: "flow", Page: 2},
				seed:    uint64(seed), faults: what, slowest: 45 * time.Second,
			}
			scenario(t, h, aws.Config{HTTPClient: memory{h}, BaseEndpoint: aws.String("http://kinesis.test")}, 3*time.Second)
			sum.add(h)
			if t.Failed() {
				t.Errorf("run it again: go test ./internal/source -run '^%s$' -seed %d", name, seed)
			}
		})
	}
	return sum
}

// TestHostileKinesisTCP runs a mixed schedule over a real network.
func TestHostileKinesisTCP(t *testing.T) {
	t.Parallel()
	h := &hostile{
		kinesis: &demo.Kinesis{Stream: "flow", Page: 2},
		seed:    7, faults: faults, slowest: 300 * time.Millisecond,
	}
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.Start()
	defer server.Close()
	scenario(t, h, aws.Config{BaseEndpoint: &server.URL}, 300*time.Millisecond)
	var sum tally
	sum.add(h)
	t.Logf("hostile Kinesis over TCP: %s", &sum)
}

// tally is the figures of many runs.
type tally struct{ calls, records, reshards, struck, busiest int }

func (s *tally) add(h *hostile) {
	h.mu.Lock() // a call that its client gave up may still be under way
	defer h.mu.Unlock()
	s.calls += h.total
	for f, n := range h.struck {
		if f == resharding {
			s.reshards += n
		} else {
			s.struck += n
		}
	}
	s.records += h.records
	s.busiest = max(s.busiest, h.busiest)
}

func (s *tally) merge(o tally) {
	s.calls, s.records, s.reshards, s.struck = s.calls+o.calls, s.records+o.records, s.reshards+o.reshards, s.struck+o.struck
	s.busiest = max(s.busiest, o.busiest)
}

func (s *tally) String() string {
	return fmt.Sprintf("%d records each handled once over %d calls, %d of them struck, %d splits and merges, at most %d calls a second and shard",
		s.records, s.calls, s.struck, s.reshards, s.busiest)
}

// collected is a handler that remembers what it was given, in which order.
type collected struct {
	mu    sync.Mutex
	order []string
	seen  map[string]int
	last  map[string]string
	wrong []string
	want  map[string]bool // what is still to come
	early map[string]bool // what came before the start
	all   chan struct{}   // closed when nothing is to come any more
	done  bool            // no more will be wanted
}

func newCollected() *collected {
	return &collected{seen: map[string]int{}, last: map[string]string{}, want: map[string]bool{}, early: map[string]bool{}, all: make(chan struct{})}
}

// Handle implements Handler.
func (c *collected) Handle(_ context.Context, body flow.Body) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	data := string(body.Data)
	c.order = append(c.order, data)
	c.seen[data]++
	if shard, _, _ := strings.Cut(data, "/"); shard != body.Place.Partition {
		c.wrong = append(c.wrong, data+" came from "+body.Place.Partition)
	}
	if body.Place.Position <= c.last[body.Place.Partition] {
		c.wrong = append(c.wrong, data+" is out of order")
	}
	c.last[body.Place.Partition] = body.Place.Position
	delete(c.want, data)
	c.check()
	return nil
}

func (c *collected) check() {
	if c.done && len(c.want) == 0 {
		select {
		case <-c.all:
		default:
			close(c.all)
		}
	}
}

// scenario reads a stream that is written, split and merged meanwhile; tempo
// is the longest pause of the writer.
func scenario(t *testing.T, h *hostile, cfg aws.Config, tempo time.Duration) {
	h.prepare()
	rng := rand.New(rand.NewPCG(h.seed, 1))
	h.kinesis.Shards = 1 + rng.IntN(3)
	cfg.Region, cfg.Credentials = "eu-west-1", credentials.NewStaticCredentialsProvider("id", "secret", "")
	c := newCollected()
	w := &writer{t: t, rng: rng, h: h, c: c, parents: map[string][]string{}}
	start := []Start{{TrimHorizon: true}, {}, {At: time.Now().Add(time.Second)}}[rng.IntN(3)]
	w.burst(start.TrimHorizon)
	time.Sleep(min(tempo, 3*time.Second))
	if !start.At.IsZero() {
		time.Sleep(time.Until(start.At))
		w.burst(true)
	} else if !start.TrimHorizon {
		time.Sleep(2 * time.Second) // the clock of the answers has whole seconds
	}
	k := &Kinesis{
		Name: "test", Stream: "flow", AWS: cfg, Handler: c, Start: start,
		PollInterval: min(tempo, time.Second), ListInterval: 20 * time.Second, Logger: slog.New(slog.DiscardHandler),
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	for k.Ready() != nil {
		time.Sleep(tempo / 20)
	}
	for range 3 + rng.IntN(5) {
		time.Sleep(time.Duration(rng.Int64N(int64(tempo))))
		w.burst(true)
		if slices.Contains(h.faults, resharding) {
			w.reshard()
		}
	}
	c.mu.Lock()
	c.done = true
	c.check()
	c.mu.Unlock()
	select {
	case <-c.all:
	case <-time.After(15 * time.Minute):
	}
	time.Sleep(tempo) // whatever should not come has a chance to
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	w.verify()
}

// writer fills the stream and knows what has to arrive.
type writer struct {
	t       *testing.T
	rng     *rand.Rand
	h       *hostile
	c       *collected
	n       int
	parents map[string][]string
}

// burst puts some records; wanted says whether they have to be handled.
func (w *writer) burst(wanted bool) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	open := w.h.kinesis.Open()
	for range 1 + w.rng.IntN(15) {
		shard := open[w.rng.IntN(len(open))]
		w.n++
		data := fmt.Sprintf("%s/%d", shard, w.n)
		if wanted {
			w.c.want[data] = true
			w.h.records++
		} else {
			w.c.early[data] = true
		}
		if err := w.h.kinesis.PutTo(shard, []byte(data)); err != nil {
			w.t.Error(err)
		}
	}
}

// reshard splits a shard or merges two neighbours, or does nothing.
func (w *writer) reshard() {
	open := w.h.kinesis.Open()
	old := []string{open[w.rng.IntN(len(open))]}
	switch {
	case w.rng.IntN(2) == 0:
		return
	case len(open) > 3 || w.rng.IntN(2) == 0:
		other := open[w.rng.IntN(len(open))]
		if other == old[0] || w.h.kinesis.Merge(old[0], other) != nil {
			return // not adjacent
		}
		old = append(old, other)
	default:
		if err := w.h.kinesis.Split(old[0]); err != nil {
			w.t.Error(err)
		}
	}
	w.h.mu.Lock()
	w.h.struck[resharding]++
	w.h.mu.Unlock()
	for _, id := range w.h.kinesis.Open() {
		if !slices.Contains(open, id) {
			w.parents[id] = old
		}
	}
}

func (w *writer) verify() {
	for data := range w.c.want {
		w.t.Errorf("%s is lost", data)
	}
	for data, n := range w.c.seen {
		if n != 1 {
			w.t.Errorf("%s was handled %d times", data, n)
		}
		if w.c.early[data] {
			w.t.Errorf("%s was handled, but came before the start", data)
		}
	}
	first, last := map[string]int{}, map[string]int{}
	for i, data := range w.c.order {
		shard, _, _ := strings.Cut(data, "/")
		if _, ok := first[shard]; !ok {
			first[shard] = i
		}
		last[shard] = i
	}
	for child, parents := range w.parents {
		for _, p := range parents {
			begin, read := first[child]
			if end, ok := last[p]; ok && read && begin < end {
				w.t.Errorf("%s was begun before its parent %s was read to the end", child, p)
			}
		}
	}
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	for _, v := range append(w.c.wrong, w.h.violations...) {
		w.t.Error(v)
	}
}
