package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// record is a data record of the stream.
type record struct {
	at   time.Time // when it arrived, by the clock of AWS
	data []byte
}

// Stream is a Kinesis stream.
type Stream struct {
	// Input is the input that reads it, where there are several; else empty.
	Input string
	// Name is its name or ARN.
	Name string
	// WantShards is how many open shards the user expects; 0 expects nothing.
	WantShards int
}

// stream is what the checks of a stream find out one after the other.
type stream struct {
	*AWS
	Stream
	client  *kinesis.Client
	sum     *types.StreamDescriptionSummary
	open    []string // ids of open shards
	records []record // the last ones, oldest first
	asked   *formats // what is known of the log groups in them
}

// Stream returns the checks of a stream of the region.
func (a *AWS) Stream(of Stream) []Check {
	s := &stream{AWS: a, Stream: of}
	check := func(name, needs string, ask func(context.Context) Finding) Check {
		return Check{Name: name, Of: of.Input, Needs: []string{needs}, Ask: ask}
	}
	mine, shards := key(streamCheck, of.Input), key(shardsCheck, of.Input)
	return []Check{
		check(streamCheck, key(identityCheck, a.Of), s.describe),
		check(shardsCheck, mine, s.list),
		check("retention", mine, s.retention),
		check("newest record", shards, s.newest),
		check("content", shards, s.content),
		check("log group", shards, s.logGroup),
	}
}

// target names the stream as the user did; one of the two is nil.
func (s *stream) target() (name, streamARN *string) {
	if arn.IsARN(s.Name) {
		return nil, &s.Name
	}
	return &s.Name, nil
}

func (s *stream) describe(ctx context.Context) Finding {
	s.client = kinesis.NewFromConfig(s.Config)
	in := &kinesis.DescribeStreamSummaryInput{}
	in.StreamName, in.StreamARN = s.target()
	out, err := s.client.DescribeStreamSummary(ctx, in)
	if err != nil {
		about := cloud.Subject{Stream: s.Name}
		if cloud.Reason(err) == cloud.NotFound {
			if others, err := s.client.ListStreams(ctx, &kinesis.ListStreamsInput{}); err == nil {
				about.Streams = others.StreamNames
			}
		}
		return s.refused(err, about)
	}
	s.sum = out.StreamDescriptionSummary
	if s.sum == nil || s.sum.StreamARN == nil {
		return Broken(errors.New("the answer of Kinesis is incomplete: something between here and AWS altered it"), "")
	}
	switch status := s.sum.StreamStatus; status {
	case types.StreamStatusActive, types.StreamStatusUpdating:
		return Passed("%s is %s", *s.sum.StreamARN, status)
	default:
		return Broken(fmt.Errorf("%s is %s", *s.sum.StreamARN, status), "wait until it is ACTIVE, or name another one")
	}
}

func (s *stream) list(ctx context.Context) Finding {
	in := &kinesis.ListShardsInput{}
	in.StreamName, in.StreamARN = s.target()
	closed := 0
	for pages := 0; ; pages++ {
		out, err := s.client.ListShards(ctx, in)
		if err != nil {
			return s.refused(err, cloud.Subject{Stream: s.Name})
		}
		for _, shard := range out.Shards {
			if shard.SequenceNumberRange == nil || shard.SequenceNumberRange.EndingSequenceNumber == nil {
				s.open = append(s.open, aws.ToString(shard.ShardId))
			} else {
				closed++
			}
		}
		if out.NextToken == nil || pages == 100 {
			break
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
	if len(s.open) == 0 {
		return Broken(errors.New("the stream has no open shard"), "name a stream that is written to")
	}
	if s.WantShards != 0 && s.WantShards != len(s.open) {
		return Passed("%d open, %d closed; -shards says %d, and all are read", len(s.open), closed, s.WantShards)
	}
	return Passed("%d open, %d closed", len(s.open), closed)
}

func (s *stream) retention(context.Context) Finding {
	hours := aws.ToInt32(s.sum.RetentionPeriodHours)
	return Passed("%d h: the exporter may be away so long without a loss", hours)
}
