package source

import (
	"fmt"
	"time"

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

// position returns where a shard begins that exists when a stream is seen for
// the first time, by a listing made at the time listed.
//
// Latest is pinned to that time: an iterator of the type LATEST that is lost or
// expires before the first record could only be replaced by one that points
// further on, and the records between would be lost. What was closed before has
// nothing of latest.
func (s Start) position(sh types.Shard, listed time.Time) position {
	switch {
	case s.TrimHorizon:
		return position{seen: listed}
	case !s.At.IsZero():
		return position{at: s.At, seen: listed}
	}
	return position{at: listed, ended: isClosed(sh), seen: listed}
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
