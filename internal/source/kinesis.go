package source

import (
	"context"
	"errors"
	"log/slog"
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
	// Places tells where reading ended before; nil is nowhere.
	Places Places
	// Start is where to begin without a place; the zero value is latest.
	Start Start
	// WantShards is how many open shards the user expects. A difference is
	// worth one warning and no more; 0 expects nothing.
	WantShards int
	// PollInterval is the pause between two reads of a shard that is read to
	// the tip; 0 is one second.
	PollInterval time.Duration
	// ListInterval is the time between two listings of the shards; 0 is one minute.
	ListInterval time.Duration
	// Metrics, when set, are kept up to date.
	Metrics *Metrics
	// Logger is told of changes; nil is slog.Default.
	Logger *slog.Logger

	// listed is set once all shards were listed; unlisted says why not yet.
	listed   atomic.Bool
	unlisted atomic.Pointer[error]
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
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	log := k.Logger
	if log == nil {
		log = slog.Default()
	}
	log = log.With("input", k.Name, "stream", k.Stream)
	s := &stream{
		Kinesis: k,
		client:  kinesis.NewFromConfig(k.AWS),
		meter:   k.Metrics.kinesisMeter(k.Name),
		log:     log,
		stop:    stop,
		poke:    make(chan struct{}, 1),
		shards:  make(map[string]*shard),
	}
	s.trouble = trouble{log: log, up: s.meter.up}
	s.discover(ctx)
	s.readers.Wait()
	return s.failure
}

// stream is one Run of a Kinesis.
type stream struct {
	*Kinesis
	client  *kinesis.Client
	meter   *meter
	log     *slog.Logger
	trouble trouble
	stop    context.CancelFunc
	// poke asks for a listing before its time.
	poke    chan struct{}
	readers sync.WaitGroup

	mu     sync.Mutex
	shards map[string]*shard // by id, ended ones too; those the stream forgot have no state
	warned bool              // about WantShards
	// failure is the first error of the handler.
	failure error
}

// fail ends the run with an error of the handler.
func (s *stream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = err
	}
	s.stop()
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
