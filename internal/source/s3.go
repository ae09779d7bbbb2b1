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
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Commits tells when what was handled is committed.
type Commits interface {
	// Committed waits until all that was handled before the call is durable
	// and public. An error says that it is not known to be.
	Committed(ctx context.Context) error
}

// S3 reads the objects that the messages of an SQS queue tell of. Set the
// fields, then call Run once.
//
// Several processes may share the queue: each message goes to one of them. A
// message is deleted after the commit that contains its objects, so that an object
// is never lost; within what Places remember an object that comes again counts
// once. What can't be read stays in the queue and comes again later and later,
// until the queue's own redrive policy takes it away.
type S3 struct {
	// Name is the value of the source label.
	Name string
	// QueueURL is the URL of the queue.
	QueueURL string
	// AWS is the configuration of the clients.
	AWS aws.Config
	// Handler takes each object as one stream that can be read anywhere too.
	// Objects come at the same time, each a partition of its own.
	Handler Handler
	// Places remember the objects that are counted; nil remembers none.
	Places Memory
	// Commits says when messages may be deleted; nil is at once.
	Commits Commits
	// Allow is what may be read. Empty is all buckets of the account that
	// the queue belongs to, by its URL.
	Allow []Allowed
	// Workers is how many objects are read at the same time; 0 is as many as
	// there are processors, at least 2.
	Workers int
	// Visibility is how long a message stays hidden from others unless that
	// is prolonged, which it is while it is worked on; 0 is what the queue
	// says, or 30 seconds when it may not be asked.
	Visibility time.Duration
	// Metrics, when set, are kept up to date.
	Metrics *Metrics
	// Logger is told of changes; nil is slog.Default.
	Logger *slog.Logger

	// answered is set once the queue has answered; silent says why not yet.
	answered atomic.Bool
	silent   atomic.Pointer[error]
}

const (
	// grace is how long objects in hand may still be read after the end was
	// asked for.
	grace = 2 * time.Second
	// farewell is how long the last commit and the last deletions may take.
	farewell = 3 * time.Second
	// maxHeld is how many messages may be held at once, most of them waiting
	// for a commit. AWS allows 120,000.
	maxHeld = 1000
)

var errSilent = errors.New("the queue has not answered yet")

// Ready returns nil once the queue has answered, before that the reason why not.
// Safe for concurrent use, also before Run.
func (s *S3) Ready() error {
	if s.answered.Load() {
		return nil
	}
	if err := s.silent.Load(); err != nil {
		return *err
	}
	return errSilent
}

// Run reads until ctx ends, which is no error: it stops receiving, lets the
// objects in hand be read for two seconds more and drops what is not at its end by
// then, deletes what is committed, and returns nil within five seconds as long as
// the handler returns. An error of the handler ends Run too, with that error. AWS
// can not end it.
func (s *S3) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r := s.begin(stop)
	work, drop := lasting(ctx, grace)
	defer drop()
	last, end := lasting(ctx, grace+farewell)
	defer end()
	if !r.greet(ctx) {
		return nil
	}
	var keeping sync.WaitGroup
	keeping.Go(func() { r.pulse.run(last) })
	keeping.Go(func() { r.deletions.run(last) })
	r.receive(ctx, work)
	r.workers.Wait()
	r.deletions.close()
	r.deletions.wait()
	end()
	keeping.Wait()
	return r.failure()
}

// lasting returns a context that ends some time after ctx does.
func lasting(ctx context.Context, more time.Duration) (context.Context, context.CancelFunc) {
	longer, end := context.WithCancel(context.WithoutCancel(ctx))
	timer := time.AfterFunc(more, end)
	timer.Stop()
	release := context.AfterFunc(ctx, func() { timer.Reset(more) })
	return longer, func() {
		release()
		timer.Stop()
		end()
	}
}

// s3Run is one run of an S3.
type s3Run struct {
	*S3
	ask       getCall
	queue     *sqsQueue
	queueName Queue
	meter     *meter
	objects   s3Meter
	log       *slog.Logger
	said      complaints
	hand      *hand
	pulse     *pulse
	deletions *deletions
	// free has a token for each object that may be read, held one for each
	// message that is held.
	free, held chan struct{}
	workers    sync.WaitGroup
	// unwell is how many objects could not be read since the last one that could.
	unwell atomic.Int64

	stop context.CancelFunc
	mu   sync.Mutex
	err  error // the first one of the handler
}

func (s *S3) begin(stop context.CancelFunc) *s3Run {
	log := s.Logger
	if log == nil {
		log = slog.Default()
	}
	name, _ := ParseQueue(s.QueueURL) // what can't be read is told by SQS
	log = log.With("input", s.Name, "queue", name.Name)
	config := s.AWS.Copy()
	if name.Region != "" {
		config.Region = name.Region
	}
	workers := s.Workers
	if workers <= 0 {
		workers = max(2, runtime.GOMAXPROCS(0))
	}
	r := &s3Run{
		S3: s, queueName: name, log: log, said: complaints{log: log}, hand: newHand(s.Places), stop: stop,
		meter: s.Metrics.meter(s.Name), free: make(chan struct{}, workers), held: make(chan struct{}, maxHeld),
		ask: s3.NewFromConfig(config, func(o *s3.Options) {
			// Endpoints other than AWS' own seldom have a name for every bucket.
			o.UsePathStyle = o.BaseEndpoint != nil
			o.DisableS3ExpressSessionAuth = aws.Bool(true)
		}).GetObject,
	}
	r.objects = r.meter.s3Meter()
	r.queue = &sqsQueue{url: s.QueueURL, region: config.Region, client: sqs.NewFromConfig(config), meter: r.meter, visibility: s.Visibility}
	r.pulse = &pulse{queue: r.queue, held: make(map[*sqsMessage]time.Time)}
	r.deletions = newDeletions(r)
	return r
}

// fail ends the run with an error of the handler.
func (r *s3Run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
	r.stop()
}

func (r *s3Run) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}
