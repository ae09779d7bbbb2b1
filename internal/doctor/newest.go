package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

const (
	// stale is how old the newest record may be: records come each 1 to 10 minutes,
	// and up to 15 minutes late.
	stale = 30 * time.Minute
	// mostShards is how many shards are looked into.
	mostShards = 8
	// mostPages is how many pages are read of a shard, and pageRecords how many
	// records one has, out of what all readers of the shard share.
	mostPages, pageRecords = 3, 10
	// pageGap keeps to the 5 calls a second of a shard, which others share.
	pageGap = 250 * time.Millisecond
)

// newest looks back step by step, so that little is read: a record that is fresh
// will do, of whichever shard. Only where all are old the newest is looked for.
func (s *stream) newest(ctx context.Context) Finding {
	retention := time.Duration(aws.ToInt32(s.sum.RetentionPeriodHours)) * time.Hour
	for _, back := range []time.Duration{time.Minute, 5 * time.Minute, stale, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour, retention} {
		for _, id := range s.open[:min(len(s.open), mostShards)] {
			found, err := s.read(ctx, id, s.skew.now().Add(-back))
			if err != nil {
				return s.refused(err, cloud.Subject{Stream: s.Name})
			}
			if n := len(found); n > 0 && (len(s.records) == 0 || found[n-1].at.After(s.records[len(s.records)-1].at)) {
				s.records = found
			}
			if len(s.records) > 0 && back <= stale {
				break
			}
		}
		if len(s.records) > 0 {
			return s.age()
		}
	}
	return Broken(fmt.Errorf("%s no record", s.looked("the stream holds")),
		"see that the flow log is ACTIVE, and that a subscription filter of its log group has this stream as destination; a new flow log takes ten minutes and more")
}

func (s *stream) age() Finding {
	age := max(0, s.skew.now().Sub(s.records[len(s.records)-1].at)).Round(time.Second)
	if age > stale {
		return Broken(fmt.Errorf("%s no record of the last %.0f minutes; one arrived %v ago", s.looked("the stream holds"), stale.Minutes(), age),
			"see that the flow log is ACTIVE, that its log group gets records, and that the subscription filter is still there")
	}
	return Passed("arrived %v ago", age)
}

// looked says how much of a large stream was looked into.
func (s *stream) looked(all string) string {
	if len(s.open) > mostShards {
		return fmt.Sprintf("%d of %d shards hold", mostShards, len(s.open))
	}
	return all
}

// read returns the last records of a shard since a time.
func (s *stream) read(ctx context.Context, id string, since time.Time) (last []record, err error) {
	in := &kinesis.GetShardIteratorInput{ShardId: &id, ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: &since}
	in.StreamName, in.StreamARN = s.target()
	out, err := s.client.GetShardIterator(ctx, in)
	if err != nil {
		return nil, err
	}
	iterator := out.ShardIterator
	for range mostPages {
		ask := &kinesis.GetRecordsInput{ShardIterator: iterator, Limit: aws.Int32(pageRecords)}
		_, ask.StreamARN = s.target()
		page, err := s.client.GetRecords(ctx, ask)
		if err != nil {
			return nil, err
		}
		if len(page.Records) > 0 {
			last = last[:0]
		}
		for _, r := range page.Records {
			last = append(last, record{aws.ToTime(r.ApproximateArrivalTimestamp), r.Data})
		}
		if aws.ToInt64(page.MillisBehindLatest) == 0 || page.NextShardIterator == nil {
			break
		}
		iterator = page.NextShardIterator
		select {
		case <-time.After(pageGap):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return last, nil
}
