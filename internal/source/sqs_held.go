package source

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// pulse keeps the messages that are held hidden from others: each is prolonged
// when half of its time is over. Safe for concurrent use.
type pulse struct {
	queue *sqsQueue

	mu   sync.Mutex
	held map[*sqsMessage]time.Time // when it becomes visible
}

// hold begins with a message that was just received.
func (p *pulse) hold(m *sqsMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[m] = time.Now().Add(p.queue.visibility)
}

// drop ends with a message.
func (p *pulse) drop(messages ...*sqsMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range messages {
		delete(p.held, m)
	}
}

// run prolongs until ctx ends.
func (p *pulse) run(ctx context.Context) {
	visibility := max(p.queue.visibility, time.Second)
	for sleep(ctx, visibility/4) {
		visibility = max(p.queue.visibility, time.Second)
		p.beat(ctx, p.due(visibility/2))
	}
}

// due returns the messages that become visible within d.
func (p *pulse) due(d time.Duration) (messages []*sqsMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	soon := time.Now().Add(d)
	for m, until := range p.held {
		if until.Before(soon) {
			messages = append(messages, m)
		}
	}
	return messages
}

// beat prolongs messages. One whose receipt is void was given to somebody else:
// what is read of it counts all the same, and is recognised when it comes again
// here.
func (p *pulse) beat(ctx context.Context, messages []*sqsMessage) {
	if len(messages) == 0 {
		return
	}
	until := time.Now().Add(p.queue.visibility)
	lost := p.queue.hide(ctx, messages, p.queue.visibility)
	p.mu.Lock()
	for _, m := range messages {
		if _, ok := p.held[m]; ok {
			p.held[m] = until
		}
	}
	p.mu.Unlock()
	p.drop(lost...)
}

// gather is how long deletions wait for company: they need a commit and a call
// for up to ten of them.
const gather = time.Second

// deletions deletes messages once what they brought is committed.
type deletions struct {
	of    *s3Run
	queue chan *sqsMessage
	ended chan struct{}
}

func newDeletions(r *s3Run) *deletions {
	return &deletions{of: r, queue: make(chan *sqsMessage, maxHeld), ended: make(chan struct{})}
}

// add hands a message over. It does not block: no more are held than fit.
func (d *deletions) add(m *sqsMessage) { d.queue <- m }

// close says that no more messages come.
func (d *deletions) close() { close(d.queue) }

// wait waits until all messages are deleted, or left.
func (d *deletions) wait() { <-d.ended }

// run deletes until close, or until ctx ends.
func (d *deletions) run(ctx context.Context) {
	defer close(d.ended)
	for {
		messages := d.gather()
		if len(messages) == 0 {
			return
		}
		d.settle(ctx, messages)
	}
}

// gather waits for a message and takes those that come soon after it; none when
// no more come.
func (d *deletions) gather() (messages []*sqsMessage) {
	first, ok := <-d.queue
	if !ok {
		return nil
	}
	messages = append(messages, first)
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for {
		select {
		case m, ok := <-d.queue:
			if !ok {
				return messages
			}
			messages = append(messages, m)
		case <-timer.C:
			return messages
		}
	}
}

// settle deletes messages after the commit. What it can't delete comes again.
func (d *deletions) settle(ctx context.Context, messages []*sqsMessage) {
	r := d.of
	defer func() {
		r.pulse.drop(messages...)
		for range messages {
			<-r.held
		}
	}()
	if r.Commits != nil {
		if err := r.Commits.Committed(ctx); err != nil {
			return
		}
	}
	for from := 0; from < len(messages); from += maxBatch {
		d.delete(ctx, messages[from:min(from+maxBatch, len(messages))])
	}
}

func (d *deletions) delete(ctx context.Context, batch []*sqsMessage) {
	r := d.of
	for try := 1; len(batch) > 0; try++ {
		var err error
		if batch, err = r.queue.delete(ctx, batch); err == nil {
			r.said.over("delete", "messages can be deleted again")
			return
		}
		if ctx.Err() != nil || try == deleteTries || errors.Is(err, context.Canceled) {
			return
		}
		r.said.warn("delete "+cloud.Reason(err), "a message can't be deleted: what it tells of is counted and will be recognised when it comes again",
			"err", cloud.Explain(err, cloud.Subject{Queue: r.QueueURL, Region: r.queue.region}))
		if !sleep(ctx, backOff(try)) {
			return
		}
	}
}
