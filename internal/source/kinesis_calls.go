package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// operation is a call of Kinesis, a value of the operation label.
type operation string

const (
	listShards       operation = "list_shards"
	getShardIterator operation = "get_shard_iterator"
	getRecords       operation = "get_records"
	describeStream   operation = "describe_stream_summary"
	listStreams      operation = "list_streams"
)

// callTimeout bounds one call, the body of its answer included.
const callTimeout = 30 * time.Second

// errBroken is an answer without what Kinesis always says.
var errBroken = errors.New("the answer is incomplete: something between here and Kinesis altered it")

// once makes the SDK try a call one time only: a second try of its own would
// break the bounds of a shard.
func once(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} }

// streamWindow is how much of an answer HTTP/2 may take in before it is read,
// as while it waits for room; the default is 4 MiB. Over a round trip of 100 ms
// it still lets through the 2 MB a second that a shard gives.
const streamWindow = 256 << 10

func keepWindowsSmall(o *kinesis.Options) {
	if client, ok := o.HTTPClient.(*awshttp.BuildableClient); ok {
		o.HTTPClient = client.WithTransportOptions(func(t *http.Transport) {
			t.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: streamWindow}
		})
	}
}

// call makes one call, counted and bounded in time.
func call[In, Out any](ctx context.Context, s *stream, op operation,
	do func(context.Context, In, ...func(*kinesis.Options)) (Out, error), in In, whole func(Out) bool,
) (Out, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s.meter.requested(op)
	out, err := do(ctx, in, once)
	if err == nil && !whole(out) {
		err = errBroken
	}
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) && !errors.Is(err, errNoRoom) {
		s.meter.refused(op, cloud.Reason(err))
	}
	return out, err
}

// target names the stream as the user did; one of the two is nil.
func (s *stream) target() (name, streamARN *string) {
	if arn.IsARN(s.Stream) {
		return nil, &s.Stream
	}
	return &s.Stream, nil
}

// list returns all shards in the order of their ids, and the time at AWS when
// they were listed.
func (s *stream) list(ctx context.Context) (shards []types.Shard, at time.Time, err error) {
	in := &kinesis.ListShardsInput{}
	in.StreamName, in.StreamARN = s.target()
	for {
		before := s.clock()
		out, err := call(ctx, s, listShards, s.client.ListShards, in, func(o *kinesis.ListShardsOutput) bool {
			return len(o.Shards) > 0 // no stream is without
		})
		if err != nil {
			return nil, at, err
		}
		if at.IsZero() {
			at = serverTime(out.ResultMetadata, before)
		}
		shards = append(shards, out.Shards...)
		if out.NextToken == nil {
			break
		}
		// A token stands for the stream: name and token together are refused.
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
	slices.SortFunc(shards, func(a, b types.Shard) int {
		return strings.Compare(aws.ToString(a.ShardId), aws.ToString(b.ShardId))
	})
	return shards, at, nil
}

// serverTime is when AWS answered by its own clock, else the other time.
func serverTime(answer middleware.Metadata, otherwise time.Time) time.Time {
	if t, ok := awsmiddleware.GetServerTime(answer); ok {
		return t
	}
	return otherwise
}

// iteratorAt returns an iterator that points at the position.
func (s *stream) iteratorAt(ctx context.Context, shardID string, p position) (string, error) {
	in := &kinesis.GetShardIteratorInput{ShardId: &shardID}
	in.StreamName, in.StreamARN = s.target()
	switch {
	case p.after != "":
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &p.after
	case !p.at.IsZero():
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, &p.at
	default:
		in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
	}
	out, err := call(ctx, s, getShardIterator, s.client.GetShardIterator, in, func(o *kinesis.GetShardIteratorOutput) bool {
		return aws.ToString(o.ShardIterator) != ""
	})
	if err != nil {
		return "", err
	}
	return *out.ShardIterator, nil
}

// page reads what is behind an iterator, up to the bounds of AWS: 10,000
// records and 10 MiB. Room for size bytes is found before the call, so that a
// shard that is behind waits with empty hands. Without an error the caller
// releases the answer; with one it still tells its size.
func (s *stream) page(ctx context.Context, iterator string, size int) (*answer, error) {
	a := &answer{room: s.room}
	if err := a.reserve(ctx, size); err != nil {
		return a, fmt.Errorf("%w: %w", errNoRoom, err)
	}
	in := &kinesis.GetRecordsInput{ShardIterator: &iterator}
	_, in.StreamARN = s.target()
	get := func(ctx context.Context, in *kinesis.GetRecordsInput, options ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
		return s.client.GetRecords(ctx, in, append(options, func(o *kinesis.Options) { o.Protocol = sparing{o.Protocol, a} })...)
	}
	out, err := call(ctx, s, getRecords, get, in, func(*kinesis.GetRecordsOutput) bool { return a.whole() })
	if err != nil {
		a.release()
		return a, err
	}
	a.at = serverTime(out.ResultMetadata, a.at)
	return a, nil
}

func isExpiredIterator(err error) bool {
	var e *types.ExpiredIteratorException
	return errors.As(err, &e)
}

// isInvalid reports whether AWS does not accept a sequence number or iterator:
// it is trimmed, or of another stream.
func isInvalid(err error) bool {
	var e *types.InvalidArgumentException
	return errors.As(err, &e)
}

// subject is what the calls are about, for the words of an explanation.
func (s *stream) subject(reason string) cloud.Subject {
	return cloud.Subject{Stream: s.Stream, Region: s.AWS.Region, Since: s.trouble.since(reason)}
}

// explainListing words why the shards can't be listed. When the stream does
// not exist, it asks for those that do.
func (s *stream) explainListing(ctx context.Context, err error) error {
	about := s.subject(cloud.Reason(err))
	if cloud.Reason(err) == cloud.NotFound {
		out, err := call(ctx, s, listStreams, s.client.ListStreams, &kinesis.ListStreamsInput{},
			func(o *kinesis.ListStreamsOutput) bool { return o.StreamNames != nil })
		if err == nil {
			about.Streams = out.StreamNames
		}
	}
	return cloud.Explain(err, about)
}
