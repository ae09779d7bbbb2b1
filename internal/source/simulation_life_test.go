package source

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// snapshot is totals and places that belong together.
type snapshot struct {
	number  int // of the commit
	counted map[int]int
	places  map[string]string
}

func (s snapshot) clone() snapshot {
	return snapshot{s.number, maps.Clone(s.counted), maps.Clone(s.places)}
}

// life is one process: a source, and a ledger that is lost when it crashes but
// for what it committed. It is guarded by the lock of the world.
type life struct {
	*world
	source *Kinesis
	book   snapshot
	dead   bool
	kill   context.CancelFunc
	ended  chan error
	idle   chan struct{} // closed when the committer is gone
}

var errDead = errors.New("the process is dead")

// live starts a process from what is durable.
func (w *world) live() {
	l := &life{world: w, book: w.store.clone(), ended: make(chan error, 1), idle: make(chan struct{})}
	if l.book.counted == nil {
		l.book = snapshot{0, map[int]int{}, map[string]string{}}
	}
	l.source = &Kinesis{
		Name: "test", Stream: "flow", Handler: l, Places: l, Start: w.start,
		PollInterval: 3 * time.Second, ListInterval: 20 * time.Second, Logger: w.logger(),
		AWS: aws.Config{
			Region: "eu-west-1", HTTPClient: l, BaseEndpoint: aws.String("http://kinesis.test"),
			Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		},
		wall: func() time.Time {
			w.mu.Lock()
			defer w.mu.Unlock()
			return time.Now().Add(w.skew)
		},
	}
	ctx, kill := context.WithCancel(w.t.Context())
	l.kill, w.life = kill, l
	go func() { l.ended <- l.source.Run(ctx) }()
	go l.commit(ctx)
}

// crash ends the process at once: nothing that it does from now on counts.
func (w *world) crash() {
	w.crashes++
	w.mu.Lock()
	w.life.dead = true
	w.stalled = time.Time{}
	w.mu.Unlock()
	w.life.kill()
	if err := <-w.life.ended; err != nil && !errors.Is(err, errDead) {
		w.t.Errorf("Run = %v", err)
	}
	<-w.life.idle
}

// commit makes a snapshot durable now and then. The store may be slow, and may
// fail; a process that dies meanwhile has not committed.
func (l *life) commit(ctx context.Context) {
	defer close(l.idle)
	for sleep(ctx, 5*time.Second) {
		l.run(ctx)
		s := l.freeze()
		l.mu.Lock()
		slow := time.Duration(l.dice.Int64N(int64(l.slowStore + 1)))
		fails := l.dice.IntN(10) == 0
		l.mu.Unlock()
		if !sleep(ctx, slow) {
			return
		}
		if fails {
			l.mu.Lock()
			l.failed++
			l.mu.Unlock()
			continue
		}
		l.save(s)
	}
}

func (l *life) freeze() snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.book.number++
	return l.book.clone()
}

// save makes a snapshot durable, unless a younger one is already.
func (w *world) save(s snapshot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.life.dead && s.number > w.store.number {
		w.store = s
		w.commits++
	}
}

// complete reports whether all that is wanted is counted.
func (l *life) complete() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, wanted := range l.want {
		if wanted && l.book.counted[n] == 0 {
			return false
		}
	}
	return true
}

// run waits while the process is stalled.
func (l *life) run(ctx context.Context) {
	l.mu.Lock()
	d := time.Until(l.stalled)
	l.mu.Unlock()
	sleep(ctx, d)
}

// Handle implements Handler.
func (l *life) Handle(ctx context.Context, body flow.Body) error {
	l.run(ctx)
	l.mu.Lock()
	slow := l.dice.IntN(20) == 0
	l.mu.Unlock()
	if slow {
		time.Sleep(2 * time.Second)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errDead
	}
	n, err := strconv.Atoi(string(body.Data))
	l.book.counted[n]++
	l.book.places[body.Place.Partition] = body.Place.Position
	return err
}

// Place implements Places.
func (l *life) Place(partition string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.book.places[partition]
	return p, ok
}

// Pin implements Places.
func (l *life) Pin(partition, position string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if position == "" {
		delete(l.book.places, partition)
		return
	}
	l.book.places[partition] = position
}

// Do implements the HTTP client of the SDK.
func (l *life) Do(r *http.Request) (*http.Response, error) {
	l.run(r.Context())
	answer, err := memory{l.h}.Do(r)
	l.run(r.Context())
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return answer, err
}

// logger is silent, unless one seed is looked at.
func (w *world) logger() *slog.Logger {
	if *onlySeed < 0 {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(w.t.Output(), nil))
}
