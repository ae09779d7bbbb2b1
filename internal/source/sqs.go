package source

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// The calls of SQS and S3, values of the operation label.
const (
	getQueueAttributes operation = "get_queue_attributes"
	receiveMessage     operation = "receive_message"
	deleteMessage      operation = "delete_message_batch"
	changeVisibility   operation = "change_message_visibility_batch"
	getObject          operation = "get_object"
)

const (
	// maxBatch is how many messages one call of SQS may be about.
	maxBatch = 10
	// longPoll is how long the queue waits for a message, in seconds.
	longPoll = 20
	// usualVisibility is what SQS gives a queue that nobody has set up.
	usualVisibility = 30 * time.Second
	// leastVisibility is the shortest time to prolong a message in peace.
	leastVisibility = 10 * time.Second
	// deletions are tried so many times; a message that stays comes again and
	// is recognised.
	deleteTries = 5
)

// sqsMessage is a message of the queue.
type sqsMessage struct {
	id, receipt, body string
	receives          int           // this one included
	age               time.Duration // since it was sent, when it was received
}

// sqsQueue makes the calls. It is safe for concurrent use after settle.
type sqsQueue struct {
	url, region string
	client      *sqs.Client
	meter       *meter
	visibility  time.Duration
	// redrive says whether the queue has a redrive policy: true, false or unknown.
	redrive string
}

func sqsOnce(o *sqs.Options) { o.Retryer = aws.NopRetryer{} }

// sqsCall makes one call, counted and bounded in time.
func sqsCall[In, Out any](ctx context.Context, q *sqsQueue, op operation,
	do func(context.Context, In, ...func(*sqs.Options)) (Out, error), in In,
) (Out, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	q.meter.requested(op)
	out, err := do(ctx, in, sqsOnce)
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		q.meter.refused(op, cloud.Reason(err))
	}
	return out, err
}

// settle asks the queue how it is set up.
func (q *sqsQueue) settle(ctx context.Context, log *slog.Logger) error {
	q.redrive = "unknown"
	out, err := sqsCall(ctx, q, getQueueAttributes, q.client.GetQueueAttributes, &sqs.GetQueueAttributesInput{
		QueueUrl:       &q.url,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameVisibilityTimeout, types.QueueAttributeNameRedrivePolicy},
	})
	if err != nil {
		return err
	}
	if seconds, err := strconv.Atoi(out.Attributes[string(types.QueueAttributeNameVisibilityTimeout)]); err == nil && q.visibility <= 0 {
		q.visibility = max(time.Duration(seconds)*time.Second, leastVisibility)
	}
	var policy struct{ DeadLetterTargetArn string }
	_ = json.Unmarshal([]byte(out.Attributes[string(types.QueueAttributeNameRedrivePolicy)]), &policy) // empty is none
	q.redrive = strconv.FormatBool(policy.DeadLetterTargetArn != "")
	if policy.DeadLetterTargetArn == "" {
		log.Info("the queue has no dead-letter queue: what can't be read comes again until the retention of the queue ends")
	}
	return nil
}

// orDefault makes sure that there is a visibility timeout.
func (q *sqsQueue) orDefault() {
	if q.visibility <= 0 {
		q.visibility = usualVisibility
	}
}

// receive takes up to n messages. It waits for the first one, but not before the
// queue has answered once.
func (q *sqsQueue) receive(ctx context.Context, n int, wait bool) ([]*sqsMessage, error) {
	in := &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: int32(n), VisibilityTimeout: seconds(q.visibility),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp,
		},
	}
	if wait {
		in.WaitTimeSeconds = longPoll
	}
	out, err := sqsCall(ctx, q, receiveMessage, q.client.ReceiveMessage, in)
	if err != nil {
		return nil, err
	}
	var messages []*sqsMessage
	for i := range out.Messages[:min(n, len(out.Messages))] {
		messages = append(messages, newMessage(&out.Messages[i]))
	}
	return messages, nil
}

func newMessage(m *types.Message) *sqsMessage {
	message := &sqsMessage{id: aws.ToString(m.MessageId), receipt: aws.ToString(m.ReceiptHandle), body: aws.ToString(m.Body), receives: 1}
	if n, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]); err == nil {
		message.receives = n
	}
	if ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
		message.age = max(0, time.Since(time.UnixMilli(ms)))
	}
	return message
}

// seconds is a duration as SQS takes it, not above its 12 hours.
func seconds(d time.Duration) int32 { return int32(min(d, 12*time.Hour) / time.Second) }

// hide makes messages visible after d. It returns those whose receipt is of no
// use any more.
func (q *sqsQueue) hide(ctx context.Context, messages []*sqsMessage, d time.Duration) (lost []*sqsMessage) {
	for batch := range slices.Chunk(messages, maxBatch) {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url}
		for i, m := range batch {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &m.receipt, VisibilityTimeout: seconds(d),
			})
		}
		out, err := sqsCall(ctx, q, changeVisibility, q.client.ChangeMessageVisibilityBatch, in)
		if err != nil {
			continue
		}
		for _, f := range out.Failed {
			if m := entry(batch, f); m != nil && f.SenderFault {
				lost = append(lost, m)
			}
		}
	}
	return lost
}

// delete deletes up to 10 messages. It returns those that are worth another try.
func (q *sqsQueue) delete(ctx context.Context, batch []*sqsMessage) (left []*sqsMessage, err error) {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &q.url}
	for i, m := range batch {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &m.receipt})
	}
	out, err := sqsCall(ctx, q, deleteMessage, q.client.DeleteMessageBatch, in)
	if err != nil {
		return batch, err
	}
	for _, f := range out.Failed {
		err = &smithy.GenericAPIError{Code: aws.ToString(f.Code), Message: aws.ToString(f.Message)}
		q.meter.refused(deleteMessage, cloud.Reason(err))
		if m := entry(batch, f); m != nil && !f.SenderFault {
			left = append(left, m)
		}
	}
	return left, err
}

// entry is the message that a failure is about.
func entry(batch []*sqsMessage, f types.BatchResultErrorEntry) *sqsMessage {
	i, err := strconv.Atoi(aws.ToString(f.Id))
	if err != nil || i < 0 || i >= len(batch) {
		return nil
	}
	return batch[i]
}

// isDenied reports whether AWS knows who asks, and does not allow the call.
func isDenied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && cloud.IsDenial(api.ErrorCode())
}
