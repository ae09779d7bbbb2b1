package demo

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
)

// wire answers the SDK without a network.
type wire struct{ http.Handler }

func (w wire) Do(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func client(k *Kinesis) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: "eu-west-1", HTTPClient: wire{k}, BaseEndpoint: aws.String("http://kinesis.test"), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
}

// clock is a time that the test moves.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func (c *clock) pass(d time.Duration) { c.Time = c.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

// read returns what is behind an iterator of the wanted kind, and the answer.
func read(t *testing.T, k *Kinesis, in *kinesis.GetShardIteratorInput) (data []string, out *kinesis.GetRecordsOutput) {
	t.Helper()
	in.StreamName = aws.String("demo")
	it, err := client(k).GetShardIterator(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	out, err = client(k).GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.Records {
		data = append(data, string(r.Data))
	}
	return data, out
}

func TestKinesisIterators(t *testing.T) {
	c := newClock()
	k := &Kinesis{Now: c.now}
	shard := aws.String(k.Open()[0])
	begin := c.Time
	for i := range 4 {
		k.Put(fmt.Append(nil, i))
		c.pass(time.Second)
	}
	_, all := read(t, k, &kinesis.GetShardIteratorInput{ShardId: shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	second := all.Records[1]
	if n := len(*second.SequenceNumber); n != 56 || !second.ApproximateArrivalTimestamp.Equal(begin.Add(time.Second)) {
		t.Errorf("sequence number of %d digits, arrived %v", n, second.ApproximateArrivalTimestamp)
	}
	for name, in := range map[string]struct {
		kinesis.GetShardIteratorInput
		want []string
	}{
		"oldest":        {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeTrimHorizon}, []string{"0", "1", "2", "3"}},
		"latest":        {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeLatest}, nil},
		"at a number":   {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: second.SequenceNumber}, []string{"1", "2", "3"}},
		"behind it":     {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber, StartingSequenceNumber: second.SequenceNumber}, []string{"2", "3"}},
		"at a time":     {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: aws.Time(begin.Add(1500 * time.Millisecond))}, []string{"2", "3"}},
		"at its moment": {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: aws.Time(begin.Add(2 * time.Second))}, []string{"2", "3"}},
		"long before":   {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: aws.Time(begin.Add(-time.Hour))}, []string{"0", "1", "2", "3"}},
		"now":           {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: aws.Time(c.Time)}, nil},
	} {
		in.ShardId = shard
		if got, _ := read(t, k, &in.GetShardIteratorInput); !reflect.DeepEqual(got, in.want) {
			t.Errorf("%s: %q, want %q", name, got, in.want)
		}
	}
}

func TestKinesisSplitAndMerge(t *testing.T) {
	k := &Kinesis{}
	first := k.Open()[0]
	k.Put([]byte("1"))
	if err := k.Split(first); err != nil {
		t.Fatal(err)
	}
	if err := k.PutTo(first, nil); err == nil {
		t.Error("a closed shard takes records")
	}
	data, end := read(t, k, &kinesis.GetShardIteratorInput{ShardId: &first, ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if len(data) != 1 || end.NextShardIterator != nil || len(end.ChildShards) != 2 || end.ChildShards[0].ParentShards[0] != first {
		t.Errorf("the end of the split shard: %q, next %v, children %v", data, end.NextShardIterator, end.ChildShards)
	}
	halves := k.Open()
	if err := k.Merge(halves[1], halves[0]); err != nil {
		t.Fatal(err)
	}
	out, err := client(k).ListShards(t.Context(), &kinesis.ListShardsInput{StreamARN: aws.String("arn:aws:kinesis:eu-west-1:123456789012:stream/demo")})
	if err != nil {
		t.Fatal(err)
	}
	merged, whole := out.Shards[3], out.Shards[0]
	if *merged.ParentShardId != halves[1] || *merged.AdjacentParentShardId != halves[0] ||
		!reflect.DeepEqual(merged.HashKeyRange, whole.HashKeyRange) || merged.SequenceNumberRange.EndingSequenceNumber != nil {
		t.Errorf("merged shard: %+v", merged)
	}
	if whole.SequenceNumberRange.EndingSequenceNumber == nil || *whole.HashKeyRange.EndingHashKey != "340282366920938463463374607431768211455" {
		t.Errorf("first shard: %+v %v", whole.SequenceNumberRange, *whole.HashKeyRange.EndingHashKey)
	}
	for _, wrong := range [][2]string{{first, halves[0]}, {"shardId-9", first}} {
		if k.Merge(wrong[0], wrong[1]) == nil || k.Split(wrong[0]) == nil {
			t.Errorf("%v can be split or merged", wrong)
		}
	}
}

func TestKinesisBounds(t *testing.T) {
	c := newClock()
	k := &Kinesis{Now: c.now, Keep: 3}
	shard := k.Open()[0]
	for i := range 5 {
		k.Put(fmt.Append(nil, i))
	}
	oldest := &kinesis.GetShardIteratorInput{ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if got, _ := read(t, k, oldest); !reflect.DeepEqual(got, []string{"2", "3", "4"}) {
		t.Errorf("of 5 records are left %q, want the newest 3", got)
	}
	for range 3 {
		k.Put(make([]byte, 6<<20))
	}
	c.pass(10 * time.Second)
	_, out := read(t, k, oldest)
	if len(out.Records) != 1 || *out.MillisBehindLatest < 10000 || out.NextShardIterator == nil {
		t.Errorf("%d records of 6 MiB in an answer, %d ms behind", len(out.Records), *out.MillisBehindLatest)
	}
}

func TestKinesisPuts(t *testing.T) {
	k := &Kinesis{Shards: 4}
	name := aws.String("demo")
	one, err := client(k).PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: name, Data: []byte("a"), PartitionKey: aws.String("x"), ExplicitHashKey: aws.String("0")})
	if err != nil || *one.ShardId != k.Open()[0] {
		t.Errorf("PutRecord at hash key 0: %v, %v", one, err)
	}
	entries := make([]types.PutRecordsRequestEntry, 100)
	for i := range entries {
		entries[i] = types.PutRecordsRequestEntry{Data: []byte("b"), PartitionKey: aws.String(fmt.Sprint(i))}
	}
	many, err := client(k).PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: name, Records: entries})
	if err != nil || len(many.Records) != 100 || *many.FailedRecordCount != 0 {
		t.Fatalf("PutRecords: %v, %v", many, err)
	}
	shards := map[string]bool{}
	for _, r := range many.Records {
		shards[*r.ShardId] = true
	}
	if len(shards) != 4 {
		t.Errorf("100 partition keys fall into %d shards of 4", len(shards))
	}
	sum, err := client(k).DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: name})
	if err != nil || *sum.StreamDescriptionSummary.OpenShardCount != 4 {
		t.Errorf("DescribeStreamSummary: %v, %v", sum, err)
	}
	streams, err := client(k).ListStreams(t.Context(), &kinesis.ListStreamsInput{})
	if err != nil || !reflect.DeepEqual(streams.StreamNames, []string{"demo"}) {
		t.Errorf("ListStreams: %v, %v", streams, err)
	}
}

func TestKinesisRefuses(t *testing.T) {
	c := newClock()
	k := &Kinesis{Now: c.now, Page: 1, Shards: 2}
	api, ctx := client(k), t.Context()
	shard := aws.String(k.Open()[0])
	it, err := api.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: aws.String("demo"), ShardId: shard, ShardIteratorType: types.ShardIteratorTypeLatest})
	if err != nil {
		t.Fatal(err)
	}
	page, err := api.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String("demo")})
	if err != nil || len(page.Shards) != 1 || page.NextToken == nil {
		t.Fatalf("ListShards: %v, %v", page, err)
	}
	c.pass(iteratorLife + time.Second)
	for name, try := range map[string]struct {
		do   func() error
		want string
	}{
		"another stream": {func() error {
			_, err := api.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String("nope")})
			return err
		}, "ResourceNotFoundException: Stream nope under account 123456789012 not found."},
		"another ARN": {func() error {
			_, err := api.ListShards(ctx, &kinesis.ListShardsInput{StreamARN: aws.String("arn:aws:kinesis:eu-west-1:123456789012:stream/nope")})
			return err
		}, "ResourceNotFoundException: Stream nope under account 123456789012 not found."},
		"name and token": {func() error {
			_, err := api.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String("demo"), NextToken: page.NextToken})
			return err
		}, "InvalidArgumentException: NextToken and StreamName cannot be provided together."},
		"old token": {func() error {
			_, err := api.ListShards(ctx, &kinesis.ListShardsInput{NextToken: page.NextToken})
			return err
		}, "ExpiredNextTokenException: The pagination token passed to the operation is expired."},
		"old iterator": {func() error {
			_, err := api.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
			return err
		}, "ExpiredIteratorException: Iterator expired 1s ago."},
		"another shard": {func() error {
			_, err := api.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: aws.String("demo"), ShardId: aws.String("x"), ShardIteratorType: "LATEST"})
			return err
		}, "ResourceNotFoundException: Shard x in stream demo under account 123456789012 does not exist"},
		"the future": {func() error {
			_, err := api.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: aws.String("demo"), ShardId: shard, ShardIteratorType: "AT_TIMESTAMP", Timestamp: aws.Time(c.Add(time.Minute))})
			return err
		}, "InvalidArgumentException: The timestampInMillis parameter cannot be greater than the currentTimestampInMillis."},
	} {
		var refused smithy.APIError
		err := try.do()
		if !errors.As(err, &refused) || refused.ErrorCode()+": "+refused.ErrorMessage() != try.want {
			t.Errorf("%s: %v, want %s", name, err, try.want)
		}
	}
}

// No request takes the endpoint down, whatever it asks.
func FuzzKinesis(f *testing.F) {
	f.Add("ListShards", []byte(`{"StreamName":"demo"}`))
	f.Add("ListShards", []byte(`{"NextToken":"eyJOZXh0IjotMX0="}`))
	f.Add("GetShardIterator", []byte(`{"StreamName":"demo","ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP","Timestamp":1e300}`))
	f.Add("GetShardIterator", []byte(`{"StreamName":"demo","ShardId":"shardId-000000000000","ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"49659872614601432879300000000000000000000000000000000000"}`))
	f.Add("GetRecords", []byte(`{"ShardIterator":"eyJTaGFyZCI6InNoYXJkSWQtMDAwMDAwMDAwMDAwIiwiQWZ0ZXIiOjE4NDQ2NzQ0MDczNzA5NTUxNjE1fQ=="}`))
	f.Add("PutRecord", []byte(`{"StreamName":"demo","Data":"YQ==","PartitionKey":"x","ExplicitHashKey":"-1"}`))
	f.Add("PutRecords", []byte(`{"StreamName":"demo","Records":[{}]}`))
	f.Add("", []byte(`[`))
	f.Fuzz(func(t *testing.T, op string, body []byte) {
		k := &Kinesis{Shards: 2}
		k.Put([]byte("x"))
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("X-Amz-Target", "Kinesis_20131202."+op)
		w := httptest.NewRecorder()
		k.ServeHTTP(w, r)
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Errorf("status %d", w.Code)
		}
	})
}

func TestKinesisRetention(t *testing.T) {
	c := newClock()
	k := &Kinesis{Now: c.now, Retention: 2 * time.Hour}
	first := k.Open()[0]
	k.Put([]byte("1"))
	c.pass(time.Hour)
	k.Put([]byte("2"))
	oldest := &kinesis.GetShardIteratorInput{ShardId: &first, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if got, _ := read(t, k, oldest); !reflect.DeepEqual(got, []string{"1", "2"}) {
		t.Errorf("after an hour: %q", got)
	}
	c.pass(time.Hour + time.Second)
	if got, _ := read(t, k, oldest); !reflect.DeepEqual(got, []string{"2"}) {
		t.Errorf("after the retention period of the first record: %q", got)
	}
	if err := k.Split(first); err != nil {
		t.Fatal(err)
	}
	c.pass(2*time.Hour + time.Second)
	out, err := client(k).ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: aws.String("demo")})
	if err != nil || len(out.Shards) != 2 || *out.Shards[0].ShardId == first {
		t.Errorf("after the retention period of a closed shard: %v, %v", out.Shards, err)
	}
	if err := k.Split(*out.Shards[0].ShardId); err != nil || k.Open()[2] != "shardId-000000000004" {
		t.Errorf("shards are %q, %v: an id is given twice", k.Open(), err)
	}
	sum, err := client(k).DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("demo")})
	if err != nil || *sum.StreamDescriptionSummary.RetentionPeriodHours != 2 {
		t.Errorf("DescribeStreamSummary: %v, %v", sum, err)
	}
}

func TestKinesisRecreate(t *testing.T) {
	k := &Kinesis{Shards: 2}
	api, ctx, name := client(k), t.Context(), aws.String("demo")
	shard := aws.String(k.Open()[0])
	if err := k.PutTo(*shard, []byte("old")); err != nil {
		t.Fatal(err)
	}
	oldest := &kinesis.GetShardIteratorInput{StreamName: name, ShardId: shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	_, page := read(t, k, oldest)
	born := func() time.Time {
		sum, err := api.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: name})
		if err != nil {
			t.Fatal(err)
		}
		return *sum.StreamDescriptionSummary.StreamCreationTimestamp
	}
	before := born()
	k.Recreate()
	if after := born(); !after.After(before) {
		t.Errorf("made anew at %v, the old one at %v", after, before)
	}
	var refused *types.InvalidArgumentException
	if _, err := api.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: page.NextShardIterator}); !errors.As(err, &refused) {
		t.Errorf("an iterator of the old stream: %v", err)
	}
	if _, err := api.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: name, ShardId: shard, ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber, StartingSequenceNumber: page.Records[0].SequenceNumber,
	}); !errors.As(err, &refused) {
		t.Errorf("a sequence number of the old stream: %v", err)
	}
	if got, _ := read(t, k, oldest); len(got) != 0 || len(k.Open()) != 2 {
		t.Errorf("the new stream has %q in %q", got, k.Open())
	}
}
