package source

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// identityPartition is where the identity of the stream is pinned. No id of a
// shard has a slash.
const identityPartition = "/stream"

// identity tells a stream from another one, also of the same name. The zero
// value is not known.
type identity struct {
	created time.Time
	arn     string
}

// encode writes the identity as a place.
func (i identity) encode() string { return millis(i.created) + "@" + i.arn }

func decodeIdentity(place string) (i identity) {
	created, arn, _ := strings.Cut(place, "@")
	if at, ok := parseMillis(created); ok && !at.IsZero() {
		i = identity{at, arn}
	}
	return i
}

// mark is the identity in few letters, for every place of the stream; "" when
// it is not known.
func (i identity) mark() string {
	if i.created.IsZero() {
		return ""
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(i.encode()))
	return fmt.Sprintf("%08x", sum.Sum32())
}

// differs reports whether the two are known to be two.
func (i identity) differs(o identity) bool {
	return i.mark() != "" && o.mark() != "" && i.mark() != o.mark()
}

// errReplaced ends the reading of a stream in whose place there is another.
var errReplaced = errors.New("the stream was deleted and made anew")

// look is what AWS said of the stream.
type look struct {
	number    uint64
	identity  identity
	retention time.Duration // 0 is not known
	at        time.Time     // by the clock of AWS
	answered  time.Time     // by ours
	err       error
}

// now is the time by the clock of AWS.
func (l *look) now() time.Time { return l.at.Add(time.Since(l.answered)) }

// lookGap lies between two looks of shards: an account takes 20 a second.
const lookGap = 250 * time.Millisecond

// watch asks AWS which stream it is, on behalf of all shards: one answer is
// good for everybody who waits for it. Safe for concurrent use.
type watch struct {
	asking chan struct{} // holds a token while a call is under way
	mu     sync.Mutex
	begun  uint64 // how many looks were begun
	last   look
	blind  bool // AWS does not say
}

// ticket is the number of the last look begun. Only a later one knows what
// happened before the call of ticket.
func (w *watch) ticket() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun
}

// now is the time by the clock of AWS, good to the resolution of its answers.
func (w *watch) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last.now()
}

// after returns a look begun after the ticket was drawn.
// It begins no closer than gap to the one before.
func (s *stream) after(ctx context.Context, ticket uint64, gap time.Duration) look {
	w := s.watch
	select {
	case w.asking <- struct{}{}:
		defer func() { <-w.asking }()
	case <-ctx.Done():
		return look{err: ctx.Err()}
	}
	if w.last.number > ticket {
		return w.last
	}
	if !sleep(ctx, time.Until(w.last.answered.Add(gap))) {
		return look{err: ctx.Err()}
	}
	w.mu.Lock()
	w.begun++
	number := w.begun
	w.mu.Unlock()
	l := s.look(ctx)
	l.number = number
	if l.err != nil {
		l.at, l.answered, l.retention = w.last.at, w.last.answered, w.last.retention
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = l
	return l
}

// look asks AWS. Who may not ask goes on without an answer.
func (s *stream) look(ctx context.Context) look {
	before := s.clock()
	if s.watch.blind {
		return look{at: before, answered: time.Now()}
	}
	in := &kinesis.DescribeStreamSummaryInput{}
	in.StreamName, in.StreamARN = s.target()
	out, err := call(ctx, s, describeStream, s.client.DescribeStreamSummary, in, func(o *kinesis.DescribeStreamSummaryOutput) bool {
		return o.StreamDescriptionSummary != nil && o.StreamDescriptionSummary.StreamARN != nil
	})
	if isWithheld(err) {
		s.watch.blind = true
		s.log.Warn("reading without knowing the stream's creation time and retention period: should it be deleted and made anew, that is not noticed",
			"err", cloud.Explain(err, s.subject(cloud.Denied)))
		return look{at: before, answered: time.Now()}
	}
	if err != nil {
		return look{err: err}
	}
	sum := out.StreamDescriptionSummary
	l := look{
		retention: time.Duration(aws.ToInt32(sum.RetentionPeriodHours)) * time.Hour,
		at:        serverTime(out.ResultMetadata, before), answered: time.Now(),
	}
	if sum.StreamCreationTimestamp != nil {
		l.identity = identity{*sum.StreamCreationTimestamp, *sum.StreamARN}
	}
	return l
}

// isWithheld reports whether AWS, or what stands in for it, does not tell.
func isWithheld(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "AccessDeniedException" || api.ErrorCode() == "UnknownOperationException")
}

// confirm returns a look begun after the ticket was drawn, and errReplaced
// when it is another stream: whatever AWS said before the look was said of the
// stream that is read, or of none.
func (s *stream) confirm(ctx context.Context, ticket uint64) (look, error) {
	l := s.after(ctx, ticket, lookGap)
	if l.err == nil && s.identity.differs(l.identity) {
		l.err = errReplaced
		s.fail(errReplaced)
	}
	return l, l.err
}
