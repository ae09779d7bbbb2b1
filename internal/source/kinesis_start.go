package source

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// Start is where a stream is read from when no place is remembered: the zero
// value is latest, which is everything that arrives after the start.
type Start struct {
	// TrimHorizon asks for everything that the stream still holds.
	TrimHorizon bool
	// At asks for everything that arrived at this time or later.
	At time.Time
}

// ParseStart reads "latest", "trim_horizon" or a time as in RFC 3339, which
// must not lie in the future.
func ParseStart(s string) (Start, error) {
	switch s {
	case "", "latest":
		return Start{}, nil
	case "trim_horizon":
		return Start{TrimHorizon: true}, nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return Start{}, fmt.Errorf("start %q is none of latest, trim_horizon or a time like 2006-01-02T15:04:05Z", s)
	}
	if at.After(time.Now()) {
		return Start{}, fmt.Errorf("start %q lies in the future: Kinesis reads from the past only", s)
	}
	return Start{At: at}, nil
}

// String returns the text that ParseStart reads.
func (s Start) String() string {
	switch {
	case s.TrimHorizon:
		return "trim_horizon"
	case !s.At.IsZero():
		return s.At.Format(time.RFC3339Nano)
	}
	return "latest"
}

// position is where the next iterator of a shard points: behind the record
// after, else at a time, else at the oldest record.
type position struct {
	after string
	at    time.Time
}

// position returns where the shards begin that exist at the start. Latest is
// pinned to the time of the first listing: an iterator of the type LATEST that
// is lost or expires before the first record could only be replaced by one that
// points further on, and the records between would be lost.
func (s Start) position(listed time.Time) position {
	switch {
	case s.TrimHorizon:
		return position{}
	case !s.At.IsZero():
		return position{at: s.At}
	}
	return position{at: listed}
}

// plan decides where each shard of the first listing is read from; skip are
// those that were closed before a start at latest.
//
// A shard with a remembered place goes on behind it. So do its descendants,
// from their oldest record: they began after that place.
func (s Start) plan(list []types.Shard, places Places, listed time.Time) (from map[string]position, skip map[string]bool) {
	from, skip = make(map[string]position), make(map[string]bool)
	resumed := make(map[string]bool)
	for _, sh := range list { // in the order of their ids: parents come before children
		id := aws.ToString(sh.ShardId)
		for _, parent := range parentsOf(sh) {
			resumed[id] = resumed[id] || resumed[parent]
		}
		switch after, ok := place(places, id); {
		case ok:
			from[id], resumed[id] = position{after: after}, true
		case resumed[id]:
			from[id] = position{}
		default:
			from[id] = s.position(listed)
			skip[id] = s == Start{} && isClosed(sh)
		}
	}
	return from, skip
}

func place(places Places, shardID string) (string, bool) {
	if places == nil {
		return "", false
	}
	return places.Place(shardID)
}

func parentsOf(sh types.Shard) (ids []string) {
	for _, id := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
		if id != nil {
			ids = append(ids, *id)
		}
	}
	return ids
}

func isClosed(sh types.Shard) bool {
	return sh.SequenceNumberRange != nil && sh.SequenceNumberRange.EndingSequenceNumber != nil
}
