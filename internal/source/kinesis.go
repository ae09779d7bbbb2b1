package source

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// Kinesis reads all shards of a stream, each record once. Set the fields, then
// call Run once.
//
// Shards are discovered and discovered again. The children of a split or merge
// wait until their parents are read to the end. What AWS refuses is tried
// again for ever, each shard for itself.
type Kinesis struct {
	// Name is the value of the source label.
	Name string
	// Stream is the name or ARN of the stream.
	Stream string
	// AWS is the configuration of the one client.
	AWS aws.Config
	// Handler takes the data records. Shards call it at the same time.
	Handler Handler
	// Places tells where reading ended before; nil is nowhere. Besides the
	// shards it holds which stream they are of.
	Places Places
	// Start is where a stream begins that was never seen before; the zero value
	// is latest. A stream that is made anew begins at its oldest record.
	Start Start
	// WantShards is how many open shards the user expects. A difference is
	// worth one warning and no more; 0 expects nothing.
	WantShards int
	// PollInterval is the pause between two reads of a shard that is read to
	// the tip; 0 is one second.
	PollInterval time.Duration
	// ListInterval is the time between two listings of the shards; 0 is one minute.
	ListInterval time.Duration
	// MaxBuffered bounds the memory of all answers held at once, in bytes, but for
	// 64 KiB of each shard; what is below MinBuffered is MinBuffered. An answer of
	// full size takes 16 MiB until its records are handled.
	MaxBuffered int
	// Metrics, when set, are kept up to date.
	Metrics *Metrics
	// Logger is told of changes; nil is slog.Default.
	Logger *slog.Logger

	// listed is set once all shards were listed; unlisted says why not yet.
	listed   atomic.Bool
	unlisted atomic.Pointer[error]
	// wall is the clock of the machine, which may be wrong; nil is time.Now.
	wall func() time.Time
}

var errUnlisted = errors.New("the shards of the stream are not listed yet")

// Ready returns nil once the shards of the stream were listed, before that the
// reason why not. Safe for concurrent use, also before Run.
func (k *Kinesis) Ready() error {
	if k.listed.Load() {
		return nil
	}
	if err := k.unlisted.Load(); err != nil {
		return *err
	}
	return errUnlisted
}

// Run reads until ctx ends, which is no error: it stops asking, lets the
// handler finish the answers in hand and returns nil. An error of the handler
// ends Run too, with that error. AWS can not end it.
//
// Contexts given to the handler carry the values of ctx but do not end with it.
func (k *Kinesis) Run(ctx context.Context) error {
	log := k.Logger
	if log == nil {
		log = slog.Default()
	}
	log = log.With("input", k.Name, "stream", k.Stream)
	client, meter, watch := kinesis.NewFromConfig(k.AWS, keepWindowsSmall), k.Metrics.kinesisMeter(k.Name), &watch{asking: make(chan struct{}, 1)}
	room := &room{
		free: max(k.MaxBuffered, MinBuffered), least: leastRoom(runtime.GOMAXPROCS(0)), held: meter.buffered, waited: meter.waited,
	}
	places := k.Places
	if places == nil {
		places = &pins{}
	}
	for {
		s := &stream{
			Kinesis: k, client: client, room: room, meter: meter, log: log, watch: watch, places: places,
			trouble: &trouble{log: log, up: meter.up},
			poke:    make(chan struct{}, 1),
			shards:  make(map[string]*shard),
		}
		err := s.run(ctx)
		if !errors.Is(err, errReplaced) {
			return err
		}
	}
}

// stream is the reading of a stream, until another one takes its place.
type stream struct {
	*Kinesis
	client  *kinesis.Client
	room    *room
	meter   *meter
	log     *slog.Logger
	trouble *trouble
	watch   *watch
	places  Places
	stop    context.CancelFunc
	// identity is which stream is read, once that is settled, before the first shard.
	identity identity
	settled  bool
	// known says that all shards without a place are younger than the places.
	known bool
	// start is where the shards begin when the stream is not known.
	start Start
	// poke asks for a listing before its time.
	poke    chan struct{}
	readers sync.WaitGroup

	mu     sync.Mutex
	shards map[string]*shard // by id; ended ones until the stream forgets them
	// admitted says that a listing was admitted, warned that WantShards was told of.
	admitted, warned bool
	// failure is the first error of the handler, or errReplaced.
	failure error
}

// run reads until ctx ends, the handler fails or the stream is replaced.
func (s *stream) run(ctx context.Context) error {
	ctx, s.stop = context.WithCancel(ctx)
	defer s.stop()
	s.discover(ctx)
	s.readers.Wait()
	if errors.Is(s.failure, errReplaced) {
		for _, sh := range s.shards {
			sh.enter("")
			s.meter.all.lag.drop(shardOf{s.Name, sh.id})
		}
	}
	return s.failure
}

// fail ends the run with an error of the handler, or with errReplaced.
func (s *stream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil || errors.Is(s.failure, errReplaced) {
		s.failure = err
	}
	s.stop()
}

// clock is the time by the clock of the machine.
func (s *stream) clock() time.Time {
	if s.wall == nil {
		return time.Now()
	}
	return s.wall()
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
