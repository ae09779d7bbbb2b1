package demo

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// Bounds of Kinesis:
// https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
const (
	maxPage      = 10 << 20
	maxRecords   = 10000
	iteratorLife = 5 * time.Minute
	tokenLife    = 5 * time.Minute
)

type shardsToken struct {
	Next   int
	Millis int64
}

func (k *Kinesis) listShards(in struct {
	target
	NextToken  string
	MaxResults int
}) (any, error) {
	var from shardsToken
	switch {
	case in.NextToken == "":
		if err := k.check(in.target); err != nil {
			return nil, err
		}
	case in.StreamName != "":
		return nil, invalid("NextToken and StreamName cannot be provided together.")
	case !unpack(in.NextToken, &from) || from.Next < 0 || from.Next > len(k.shards):
		return nil, invalid("NextToken is invalid.")
	case k.Now().Sub(time.UnixMilli(from.Millis)) > tokenLife:
		return nil, &problem{"ExpiredNextTokenException", "The pagination token passed to the operation is expired."}
	}
	size := k.Page
	if in.MaxResults > 0 {
		size = min(size, in.MaxResults)
	}
	end := min(from.Next+size, len(k.shards))
	out := map[string]any{}
	list := []any{}
	for _, s := range k.shards[from.Next:end] {
		list = append(list, s.describe())
	}
	out["Shards"] = list
	if end < len(k.shards) {
		out["NextToken"] = pack(shardsToken{end, k.Now().UnixMilli()})
	}
	return out, nil
}

func (s *shard) hashes() map[string]string {
	return map[string]string{"StartingHashKey": s.low.String(), "EndingHashKey": s.high.String()}
}

func (s *shard) describe() map[string]any {
	sequences := map[string]string{"StartingSequenceNumber": sequenceText(s.begin)}
	if s.end != 0 {
		sequences["EndingSequenceNumber"] = sequenceText(s.end)
	}
	out := map[string]any{"ShardId": s.id, "HashKeyRange": s.hashes(), "SequenceNumberRange": sequences}
	for i, name := range []string{"ParentShardId", "AdjacentParentShardId"} {
		if i < len(s.parents) {
			out[name] = s.parents[i]
		}
	}
	return out
}

// iterator points behind the sequence number After.
type iterator struct {
	Shard  string
	After  uint64
	Millis int64
	Born   int64 // when the stream was made, Unix milliseconds
}

func (k *Kinesis) iterator(s *shard, after uint64) string {
	return pack(iterator{s.id, after, k.Now().UnixMilli(), k.born.UnixMilli()})
}

func (k *Kinesis) getShardIterator(in struct {
	target
	ShardID                string `json:"ShardId"`
	ShardIteratorType      string
	StartingSequenceNumber string
	Timestamp              float64
}) (any, error) {
	if err := k.check(in.target); err != nil {
		return nil, err
	}
	s, ok := k.ids[in.ShardID]
	if !ok {
		return nil, missing("Shard %s in stream %s under account %s does not exist", in.ShardID, k.Stream, k.Account)
	}
	var after uint64
	switch in.ShardIteratorType {
	case "TRIM_HORIZON":
	case "LATEST":
		after = k.sequence
	case "AT_TIMESTAMP":
		at := time.UnixMilli(int64(math.Round(in.Timestamp * 1000)))
		if at.After(k.Now()) {
			return nil, invalid("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis.")
		}
		after = k.sequence
		if i := slices.IndexFunc(s.records, func(r record) bool { return !r.at.Before(at) }); i >= 0 {
			after = s.records[i].sequence - 1
		}
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		after, ok = sequenceValue(in.StartingSequenceNumber)
		if !ok || after < s.begin || (s.end != 0 && after > s.end) {
			return nil, invalid("StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s under account %s is invalid.",
				in.StartingSequenceNumber, s.id, k.Stream, k.Account)
		}
		if in.ShardIteratorType == "AT_SEQUENCE_NUMBER" {
			after--
		}
	default:
		return nil, invalid("%q is no shard iterator type.", in.ShardIteratorType)
	}
	return map[string]string{"ShardIterator": k.iterator(s, after)}, nil
}

func (k *Kinesis) getRecords(in struct {
	ShardIterator string
	Limit         int
}) (any, error) {
	var it iterator
	if !unpack(in.ShardIterator, &it) || it.Born != k.born.UnixMilli() {
		return nil, invalid("Invalid ShardIterator.")
	}
	if k.ids[it.Shard] == nil {
		return nil, missing("Shard %s in stream %s under account %s does not exist", it.Shard, k.Stream, k.Account)
	}
	now := k.Now()
	if age := now.Sub(time.UnixMilli(it.Millis)); age > iteratorLife {
		return nil, &problem{"ExpiredIteratorException", fmt.Sprintf("Iterator expired %s ago.", age-iteratorLife)}
	}
	if in.Limit < 0 || in.Limit > maxRecords {
		return nil, invalid("Limit must be between 1 and %d.", maxRecords)
	}
	s := k.ids[it.Shard]
	first, _ := slices.BinarySearchFunc(s.records, it.After+1, func(r record, n uint64) int {
		return cmp.Compare(r.sequence, n)
	})
	page := cut(s.records[first:], or(in.Limit, maxRecords))
	rest := s.records[first+len(page):]
	if len(page) > 0 {
		it.After = page[len(page)-1].sequence
	}
	out := map[string]any{"MillisBehindLatest": 0}
	if len(rest) > 0 {
		out["MillisBehindLatest"] = now.Sub(rest[0].at).Milliseconds() + 1
	}
	if s.end != 0 && len(rest) == 0 {
		out["ChildShards"] = s.offspring()
	} else {
		out["NextShardIterator"] = k.iterator(s, it.After)
	}
	return list{encode(out), slices.Clone(page)}, nil
}

// list is an answer with records. It stays as it is when records are added.
type list struct {
	rest    []byte // an object with at least one member
	records []record
}

// WriteTo implements io.WriterTo.
func (l list) WriteTo(w io.Writer) (int64, error) {
	buffered := bufio.NewWriterSize(w, 64<<10)
	n := 0
	for i, r := range l.records {
		m, _ := buffered.WriteString(opening(i))
		wire, _ := buffered.Write(r.wire)
		n += m + wire
	}
	m, _ := buffered.WriteString(l.closing())
	rest, _ := buffered.Write(l.rest[1:])
	return int64(n + m + rest), buffered.Flush()
}

// Len is how many bytes WriteTo writes.
func (l list) Len() int {
	n := len(l.closing()) + len(l.rest) - 1
	for i, r := range l.records {
		n += len(opening(i)) + len(r.wire)
	}
	return n
}

// opening stands before a record.
func opening(i int) string {
	if i == 0 {
		return `{"Records":[`
	}
	return ","
}

// closing stands before the rest.
func (l list) closing() string {
	if len(l.records) == 0 {
		return `{"Records":[],`
	}
	return "],"
}

// cut takes records up to the bounds of one answer, at least one.
func cut(records []record, limit int) []record {
	size := 0
	for i, r := range records {
		size += r.size
		if i == limit || (i > 0 && size > maxPage) {
			return records[:i]
		}
	}
	return records
}

func (s *shard) offspring() []any {
	list := []any{}
	for _, c := range s.children {
		list = append(list, map[string]any{"ShardId": c.id, "ParentShards": c.parents, "HashKeyRange": c.hashes()})
	}
	return list
}
