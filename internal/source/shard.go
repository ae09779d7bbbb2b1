package source

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// state is what a shard is doing, a value of the state label.
type state string

const (
	waiting state = "waiting" // for its parents
	reading state = "reading"
	closed  state = "closed" // read to its end, or closed before the start
)

// minGap lies between the end of a read and the begin of the next: a shard
// takes 5 reads a second. Measured from the end, the reads arrive no closer to
// one another, however long each is under way.
const minGap = 200 * time.Millisecond

// shard is the reader of one shard. But for the fields named, it belongs to
// the goroutine of read.
type shard struct {
	*stream
	id      string
	parents []<-chan struct{}
	// position is behind the last handled record, at first the start.
	position position
	// handled is the sequence number of that record; what comes again is passed.
	handled string
	// noted is when the place was last remembered, by a body or a pin.
	noted time.Time
	// iterator is where the next read begins; "" has to be asked for.
	iterator string
	// readAt is when the last read ended.
	readAt time.Time
	// expected is how much memory the next answer is likely to take: as much as the last.
	expected int
	// failures is how many calls failed since the last read that did not.
	failures int

	// done is closed when the shard is read to its end.
	done chan struct{}
	// gone is set when a complete listing did not have the shard any more.
	gone atomic.Bool
	// state and listed are guarded by the stream's lock; listed says that a
	// listing had the shard once.
	state  state
	listed bool
}

// enter changes the state, under the stream's lock.
func (sh *shard) enter(to state) {
	sh.meter.moved(sh.state, to)
	sh.state = to
}

// read waits for the parents and then reads the shard to its end.
func (sh *shard) read(ctx context.Context) {
	for _, parent := range sh.parents {
		select {
		case <-parent:
		case <-ctx.Done():
			return
		}
	}
	sh.mu.Lock()
	sh.enter(reading)
	sh.mu.Unlock()
	for ctx.Err() == nil {
		var pause time.Duration
		var end bool
		if sh.iterator == "" {
			pause, end = sh.aim(ctx)
		} else {
			pause, end = sh.next(ctx)
		}
		if end || !sleep(ctx, pause) {
			return
		}
	}
}

// aim asks for an iterator at the position, and makes sure that it is one of
// the stream that is read.
func (sh *shard) aim(ctx context.Context) (pause time.Duration, end bool) {
	iterator, err := sh.iteratorAt(ctx, sh.id, sh.position)
	refused := sh.position.after != "" && isInvalid(err)
	if err != nil && !refused {
		return sh.failed(ctx, err)
	}
	now, err := sh.confirm(ctx, sh.watch.ticket())
	if err != nil {
		return sh.failed(ctx, err)
	}
	if gap := sh.gap(now); refused || gap > gapSlack {
		sh.giveUp(now, gap, refused)
		return time.Until(sh.readAt.Add(minGap)), false
	}
	sh.iterator = iterator
	return time.Until(sh.readAt.Add(minGap)), false
}

// next reads one answer and hands its records over.
func (sh *shard) next(ctx context.Context) (pause time.Duration, end bool) {
	page, err := sh.page(ctx, sh.iterator, sh.expected)
	sh.readAt = time.Now()
	if errors.Is(err, errNoRoom) {
		sh.expected = page.size
		return minGap, false
	}
	if err != nil {
		sh.expected = 0 // a call that may fail again keeps no room
		return sh.failed(ctx, err)
	}
	sh.failures, sh.expected = 0, page.size
	sh.trouble.worked(sh.id)
	behind := time.Duration(aws.ToInt64(page.behind)) * time.Millisecond
	sh.meter.page(sh.id, len(page.records), page.bytes(), behind)
	// The last records of a closed shard come together with a null iterator.
	err = sh.handle(ctx, page.records)
	page.release()
	if err != nil {
		sh.fail(err)
		return 0, true
	}
	if page.next == nil {
		sh.finish(ctx, page.children)
		return 0, true
	}
	sh.iterator = *page.next
	gap := minGap
	if behind == 0 {
		sh.idle(cmp.Or(page.at, sh.position.seen))
		gap = max(gap, orDefault(sh.PollInterval, time.Second))
	}
	return time.Until(sh.readAt.Add(gap)), false
}

// handle hands the records over, all of them even when ctx ends meanwhile. The
// position moves with those that were handled.
func (sh *shard) handle(ctx context.Context, records []record) error {
	ctx = context.WithoutCancel(ctx)
	mark := sh.identity.mark()
	for i := range records {
		next := position{after: string(records[i].sequence), seen: records[i].arrived}
		if sh.handled != "" && !later(next.after, sh.handled) {
			continue
		}
		data := records[i].data
		if data == nil {
			data = []byte{}
		}
		err := sh.Handler.Handle(ctx, flow.Body{
			Source: sh.Name,
			Place:  flow.Place{Partition: sh.id, Position: next.encode(mark)},
			Data:   data,
		})
		if err != nil {
			return err
		}
		sh.position, sh.handled, sh.noted = next, next.after, time.Now()
	}
	return nil
}

// failed decides after a refused call how long to wait and where to go on. A
// shard ends this way only when it left the stream.
func (sh *shard) failed(ctx context.Context, err error) (pause time.Duration, end bool) {
	if ctx.Err() != nil {
		return 0, true
	}
	sh.failures++
	reason := cloud.Reason(err)
	if isExpiredIterator(err) {
		// Normal after a long pause: go on behind the last handled record.
		sh.iterator = ""
		if sh.failures == 1 {
			return 0, false
		}
	}
	if sh.failures >= 3 || isInvalid(err) {
		sh.iterator = "" // it may be the reason itself
	}
	if reason == cloud.NotFound {
		if sh.gone.Load() && sh.confirmed(ctx) {
			sh.log.Warn("shard left the stream before it was read to its end: records older than the retention period are lost", "shard", sh.id)
			sh.finish(ctx, nil)
			return 0, true
		}
		sh.wake()
	}
	sh.meter.all.lag.fails(shardOf{sh.Name, sh.id})
	sh.trouble.failed(sh.id, reason, cloud.Explain(err, sh.subject(reason)))
	return backOff(sh.failures), false
}

// confirmed reports whether AWS said what it just said of the stream that is read.
func (sh *shard) confirmed(ctx context.Context) bool {
	_, err := sh.confirm(ctx, sh.watch.ticket())
	return err == nil
}

// finish ends the shard and lets its children begin.
func (sh *shard) finish(ctx context.Context, children []types.ChildShard) {
	sh.trouble.worked(sh.id)
	sh.meter.all.lag.drop(shardOf{sh.Name, sh.id})
	sh.position.ended, sh.position.seen = true, sh.watch.now()
	sh.pin(sh.id, sh.position)
	sh.mu.Lock()
	sh.enter(closed)
	sh.mu.Unlock()
	close(sh.done)
	sh.admitChildren(ctx, children)
	sh.wake()
}

// backOff is how long to wait after so many failures in a row: one second,
// doubled each time up to a minute, and up to half as long again by chance, so
// that shards that fail together do not come back together.
func backOff(failures int) time.Duration {
	d := min(time.Second<<min(failures-1, 6), time.Minute)
	return min(d+rand.N(d/2), time.Minute)
}

// sleep waits and reports whether ctx is still alive after it.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
