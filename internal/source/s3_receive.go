package source

import (
	"context"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// greet asks the queue how it is set up, until it answers or refuses to tell. It
// reports whether ctx is still alive.
func (r *s3Run) greet(ctx context.Context) bool {
	for failures := 1; ; failures++ {
		err := r.queue.settle(ctx, r.log)
		if err == nil || isDenied(err) {
			r.queue.orDefault()
			return ctx.Err() == nil
		}
		if ctx.Err() != nil {
			return false
		}
		r.unreachable(err)
		if !sleep(ctx, backOff(failures)) {
			return false
		}
	}
}

// unreachable notes that the queue gives nothing.
func (r *s3Run) unreachable(err error) {
	err = cloud.Explain(err, cloud.Subject{Queue: r.QueueURL, Region: r.queue.region})
	r.silent.Store(&err)
	r.meter.up.Set(0)
	r.meter.all.lag.fails(shardOf{r.Name, "queue"})
	r.said.warn("queue "+cloud.Reason(err), "reading SQS fails, trying again", "reason", cloud.Reason(err), "err", err)
}

// receive takes messages for as many workers as are free, until ctx ends. The
// workers go on with work.
func (r *s3Run) receive(ctx, work context.Context) {
	for failures := 0; ; {
		if r.unwell.Load() >= unwellAfter && !sleep(ctx, backOff(int(r.unwell.Load()-unwellAfter)+1)) {
			return // or each message would use up its receives
		}
		n, ok := r.acquire(ctx)
		if !ok {
			return
		}
		messages, err := r.queue.receive(ctx, n, r.answered.Load())
		r.release(n - len(messages))
		if ctx.Err() != nil && err != nil {
			return
		}
		if err != nil {
			failures++
			r.unreachable(err)
			if !sleep(ctx, backOff(failures)) {
				return
			}
			continue
		}
		failures = 0
		r.received(messages)
		for _, m := range messages {
			r.workers.Go(func() { r.message(work, m) })
		}
	}
}

// unwellAfter is after how many objects in a row that could not be read there is
// a pause before others are taken.
const unwellAfter = 8

// acquire waits for a free worker and returns how many are free, up to what one
// answer may bring.
func (r *s3Run) acquire(ctx context.Context) (n int, ok bool) {
	for _, tokens := range []chan struct{}{r.held, r.free} {
		select {
		case tokens <- struct{}{}:
		case <-ctx.Done():
			return 0, false
		}
	}
	for n = 1; n < maxBatch; n++ {
		select {
		case r.held <- struct{}{}:
		default:
			return n, true
		}
		select {
		case r.free <- struct{}{}:
		default:
			<-r.held
			return n, true
		}
	}
	return n, true
}

// release gives back what acquire took, n times.
func (r *s3Run) release(n int) {
	for range n {
		<-r.free
		<-r.held
	}
}

// received notes an answer of the queue.
func (r *s3Run) received(messages []*sqsMessage) {
	if !r.answered.Swap(true) {
		r.log.Info("reading objects that the queue tells of", "workers", cap(r.free), "visibility_timeout", r.queue.visibility)
	}
	r.said.over("queue ", "reading SQS works again")
	r.meter.up.Set(1)
	r.meter.success.SetToCurrentTime()
	r.meter.messages.Add(float64(len(messages)))
	var oldest time.Duration
	for _, m := range messages {
		r.pulse.hold(m)
		oldest = max(oldest, m.age)
	}
	r.meter.all.lag.set(shardOf{r.Name, "queue"}, lag{behind: oldest})
}
