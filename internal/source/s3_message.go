package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// outcome is what became of an object, a value of the outcome label.
type outcome string

const (
	objectCounted    outcome = "counted"
	objectAgain      outcome = "duplicate"   // was counted before
	objectForeign    outcome = "foreign"     // is no flow log, by its path or its event
	objectMissing    outcome = "missing"     // is not there any more
	objectReplaced   outcome = "replaced"    // by another one, which has a message of its own
	objectNotAllowed outcome = "not_allowed" // is outside of what may be read
	objectDenied     outcome = "denied"      // is refused by AWS
	objectFailed     outcome = "failed"      // could not be read to its end
	objectDropped    outcome = ""            // the process ends
)

// outcomes are those that are counted.
var outcomes = []outcome{
	objectCounted, objectAgain, objectForeign, objectMissing, objectReplaced, objectNotAllowed, objectDenied, objectFailed,
}

// settled reports whether nothing is left to do for the object.
func (o outcome) settled() bool {
	switch o {
	case objectCounted, objectAgain, objectForeign, objectMissing, objectReplaced:
		return true
	}
	return false
}

const (
	// firstDelay is how long a message is left alone that failed for the
	// first time; it is doubled each time.
	firstDelay = 15 * time.Second
	// objectDelay is the longest delay of a message whose object may be read
	// later, messageDelay of one that will never be readable: what SQS allows.
	objectDelay, messageDelay = time.Hour, 12 * time.Hour
)

// delay is how long a message is left alone that was received so many times.
func delay(receives int, most time.Duration) time.Duration {
	return min(firstDelay<<min(max(receives, 1)-1, 12), most)
}

// message reads the objects of a message and gives it to who deletes it, or
// leaves it in the queue. One worker is its own as long as it reads.
func (r *s3Run) message(ctx context.Context, m *sqsMessage) {
	objects, err := parseNotification(m.body)
	if err != nil {
		<-r.free
		r.unreadable(ctx, m, err)
		return
	}
	left, stopped := false, false
	for i := range objects {
		got := r.read(ctx, objects[i])
		if got == objectDropped {
			stopped = true
			break
		}
		r.objects.note(got)
		left = left || !got.settled()
	}
	<-r.free
	switch {
	case stopped:
		r.leave(ctx, m, 0)
	case left:
		r.leave(ctx, m, delay(m.receives, objectDelay))
	default:
		r.deletions.add(m)
	}
}

// unreadable leaves a message to the redrive policy of the queue.
func (r *s3Run) unreadable(ctx context.Context, m *sqsMessage, err error) {
	r.objects.unreadable.Inc()
	r.said.warn("message", "a message is no notification of an object: it stays in the queue until its redrive policy takes it away, or its retention ends",
		"err", err, "message_id", m.id, "receives", m.receives, "dead_letter_queue", r.queue.redrive)
	r.leave(ctx, m, delay(m.receives, messageDelay))
}

// leave lets a message become visible again after a while, and forgets it.
func (r *s3Run) leave(ctx context.Context, m *sqsMessage, d time.Duration) {
	r.pulse.drop(m)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	r.queue.hide(ctx, []*sqsMessage{m}, d) // when it fails it comes again after its visibility timeout
	<-r.held
}

// read lets the handler read an object, unless it was counted before.
func (r *s3Run) read(ctx context.Context, n notified) outcome {
	switch {
	case n.foreign():
		return objectForeign
	case !r.permitted(&n):
		r.said.warn("allow", "a message tells of an object outside of what may be read: it is not read and its message stays in the queue; --s3.allow lists what may be read",
			"bucket", n.bucket, "key", fmt.Sprintf("%.200q", n.key))
		return objectNotAllowed
	}
	id := n.identity()
	known, done, err := r.hand.take(ctx, id)
	switch {
	case err != nil:
		return objectDropped
	case known:
		return objectAgain
	}
	defer done()
	o := r.object(ctx, n)
	defer o.Close()
	err = r.Handler.Handle(context.WithoutCancel(ctx), flow.Body{
		Source: r.Name,
		Place:  flow.Place{Partition: id, Position: r.hand.position(time.Now())},
		Stream: o,
	})
	if err == nil {
		r.unwell.Store(0)
		r.said.over("object ", "objects can be read again")
		return objectCounted
	}
	if o.err() == nil || ctx.Err() != nil {
		if o.err() == nil && ctx.Err() == nil {
			r.fail(err)
		}
		return objectDropped
	}
	return r.broken(&n, o.err())
}

// broken says what becomes of an object that could not be read.
func (r *s3Run) broken(n *notified, err error) outcome {
	switch {
	case isGone(err):
		return objectMissing
	case statusOf(err) == http.StatusPreconditionFailed:
		return objectReplaced
	}
	r.unwell.Add(1)
	r.meter.up.Set(0)
	reason := cloud.Reason(err)
	about := cloud.Subject{Region: r.queue.region, Resource: fmt.Sprintf("arn:aws:s3:::%s/%s", n.bucket, n.key)}
	r.said.warn("object "+reason, "an object can't be read: nothing of it is counted, and its message comes again", "reason", reason,
		"bucket", n.bucket, "key", fmt.Sprintf("%.200q", n.key), "err", cloud.Explain(err, about))
	if reason == cloud.Denied || statusOf(err) == http.StatusForbidden {
		return objectDenied
	}
	return objectFailed
}

// isGone reports whether there is no such object any more; a bucket that is not
// there is another failure. Behind a version may be the mark of a deletion.
func isGone(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "NoSuchKey", "NoSuchVersion", "NotFound", "MethodNotAllowed":
		return true
	}
	return false
}

// statusOf is the HTTP status of an answer, 0 without one.
func statusOf(err error) int {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}
