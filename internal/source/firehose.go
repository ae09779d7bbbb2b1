package source

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Firehose takes the deliveries of Amazon Data Firehose streams whose
// destination is an HTTP endpoint:
// https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
//
// It is an http.Handler to be served by whoever makes it; Run has to be called
// once as well. The records of a request count together, and the answer 200 comes
// after the commit that contains them. What can't be read in them is counted as
// such and answered 200 too, for Firehose would send it again and again. A request
// that comes again, by its id, counts no more, as long as Places remember it.
type Firehose struct {
	// Name is the value of the source label.
	Name string
	// Handler takes each request as one batch, a partition of its own.
	Handler Handler
	// Places remember the requests that are counted; nil remembers none.
	Places Memory
	// Commits says when a request may be answered; nil is at once.
	Commits Commits
	// Keys are the access keys; nil lets everybody in.
	Keys *Keys
	// Sources are the ARNs of the streams that may deliver; empty is any.
	Sources []string
	// InFlight is how many bodies are held at the same time; 0 is 4. Requests
	// beyond it are told to come again.
	InFlight int
	// Metrics, when set, are kept up to date.
	Metrics *Metrics
	// Logger is told of changes; nil is slog.Default.
	Logger *slog.Logger

	once  sync.Once
	meter *firehoseMeter
	said  complaints
	hand  *hand
	slots chan struct{} // a token for each body that is held

	mu       sync.Mutex
	stopping bool
	serving  sync.WaitGroup
	drop     chan struct{} // closed when bodies that are not whole are let go
	failed   chan struct{} // closed with the first error of the handler
	err      error
}

const (
	// FirehoseRemembered is how many requests are remembered as counted. Firehose
	// tries again for two hours at most: two requests a second are safe.
	FirehoseRemembered = 16_384
	// FirehoseInFlight is how many bodies are held at the same time.
	FirehoseInFlight = 4
	// FirehoseReadTimeout is how long a body may take to come: as long as Firehose
	// waits for the answer.
	FirehoseReadTimeout = 180 * time.Second
	// firehoseStall is how long a body may give nothing.
	firehoseStall = 30 * time.Second
	// commitTimeout is how long an answer waits for the commit.
	commitTimeout = 150 * time.Second
)

// Ready returns nil: there is nobody to wait for.
func (*Firehose) Ready() error { return nil }

// start makes what both Run and ServeHTTP need.
func (f *Firehose) start() {
	log := f.Logger
	if log == nil {
		log = slog.Default()
	}
	inFlight := f.InFlight
	if inFlight <= 0 {
		inFlight = FirehoseInFlight
	}
	f.said.log = log.With("input", f.Name)
	f.hand, f.slots = newHand(f.Places), make(chan struct{}, inFlight)
	f.drop, f.failed = make(chan struct{}), make(chan struct{})
	f.meter = f.Metrics.firehoseMeter(f.Name)
	f.meter.up.Set(1)
}

// Run lets requests in until ctx ends, which is no error: further ones are told
// to come again, those in hand are answered, but for bodies that are still not
// whole after two seconds. It returns within five seconds. An error of the handler
// ends Run too, with that error.
func (f *Firehose) Run(ctx context.Context) error {
	f.once.Do(f.start)
	select {
	case <-ctx.Done():
	case <-f.failed:
	}
	f.mu.Lock()
	f.stopping = true
	f.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		f.serving.Wait()
		close(ended)
	}()
	for _, more := range []time.Duration{grace, farewell} {
		timer := time.NewTimer(more)
		select {
		case <-ended:
		case <-timer.C:
		}
		timer.Stop()
		if more == grace {
			close(f.drop)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// enter lets a request in; false at the end.
func (f *Firehose) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopping {
		return false
	}
	f.serving.Add(1)
	return true
}

// fail ends Run with an error of the handler, unless the end was asked for: then
// bodies that came too late are refused.
func (f *Firehose) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil && !f.stopping {
		f.err, f.stopping = err, true
		close(f.failed)
	}
}

// ServeHTTP implements http.Handler: one delivery.
func (f *Firehose) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.once.Do(f.start)
	a := &firehoseAnswer{w: w, control: http.NewResponseController(w), id: r.Header.Get(requestIDHeader), meter: f.meter}
	if refusal := f.check(r); refusal != nil {
		f.refuse(a, refusal)
		return
	}
	if !f.enter() {
		f.refuse(a, busy("the exporter is stopping"))
		return
	}
	defer f.serving.Done()
	ctx, cancel := context.WithTimeout(r.Context(), FirehoseReadTimeout+commitTimeout)
	defer cancel()
	if refusal := f.deliver(ctx, a, r); refusal != nil {
		f.refuse(a, refusal)
		return
	}
	if err := f.committed(ctx); err != nil {
		f.meter.up.Set(0)
		f.refuse(a, busy("what was delivered is not committed yet"))
		return
	}
	f.meter.up.Set(1)
	f.meter.success.SetToCurrentTime()
	a.send(http.StatusOK, "")
}

// check judges the header of a request. Nothing is read and nothing said of
// keys and requests before the key is known to be right.
func (f *Firehose) check(r *http.Request) *refusal {
	if f.Keys != nil && !f.Keys.Valid(r.Header.Get("X-Amz-Firehose-Access-Key")) {
		return &refusal{status: http.StatusUnauthorized, reason: "the access key is not the one that is expected"}
	}
	arn := r.Header.Get("X-Amz-Firehose-Source-Arn")
	switch version := r.Header.Get("X-Amz-Firehose-Protocol-Version"); {
	case r.Method != http.MethodPost:
		return wrong("a delivery of Firehose is a POST")
	case version != "1.0":
		return wrong("the request is not of version 1.0 of the protocol of Firehose")
	case r.Header.Get(requestIDHeader) == "":
		return wrong("the request has no " + requestIDHeader)
	case len(f.Sources) > 0 && !slices.Contains(f.Sources, arn):
		return &refusal{status: http.StatusForbidden, reason: "this stream may not deliver here"}
	case r.ContentLength > MaxFirehoseBody:
		return refusalOf(errBodyTooLarge)
	}
	return nil
}

// deliver counts the request, unless it is counted already.
func (f *Firehose) deliver(ctx context.Context, a *firehoseAnswer, r *http.Request) *refusal {
	id := requestIdentity(a.id)
	counted, done, err := f.hand.take(ctx, id)
	if err != nil {
		return busy("the same request is still being counted")
	}
	body, release := f.patient(a, r)
	defer release()
	if counted {
		f.meter.again.Inc()
		discard(body) // who sends it reads no answer before its end
		return nil
	}
	defer done()
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	default:
		return busy("as many deliveries are in hand as may be")
	}
	text, came, err := readRequest(r, body)
	f.meter.bytes.Add(float64(came))
	if err != nil {
		return refusalOf(err)
	}
	request, err := parseRequest(text)
	if err == nil && string(request.id) != a.id {
		err = errOtherID
	}
	if err != nil {
		return refusalOf(err)
	}
	return f.count(ctx, id, request)
}

// count hands the records on. Once they are whole they count, even if who sent
// them has gone: he will come again.
func (f *Firehose) count(ctx context.Context, id string, request firehoseRequest) *refusal {
	f.meter.messages.Add(float64(len(request.records)))
	place := flow.Place{Partition: id, Position: f.hand.position(time.Now())}
	err := f.Handler.Handle(context.WithoutCancel(ctx), flow.Body{Source: f.Name, Place: place, Batch: request.records})
	if err != nil {
		f.fail(err)
		return busy("the exporter can't count")
	}
	return nil
}

func (f *Firehose) committed(ctx context.Context) error {
	if f.Commits == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	return f.Commits.Committed(ctx)
}

// requestIdentity is what a request is remembered by.
func requestIdentity(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
