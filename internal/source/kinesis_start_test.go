package source

import (
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func TestParseStart(t *testing.T) {
	for text, want := range map[string]Start{
		"":                     {},
		"latest":               {},
		"trim_horizon":         {TrimHorizon: true},
		"2024-05-06T07:08:09Z": {At: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)},
	} {
		got, err := ParseStart(text)
		if err != nil || got != want {
			t.Errorf("ParseStart(%q) = %v, %v, want %v", text, got, err, want)
		}
		if again, err := ParseStart(got.String()); err != nil || again != want {
			t.Errorf("%v reads back as %v, %v", got, again, err)
		}
	}
	for _, text := range []string{"now", "LATEST", "2024-05-06", "2999-01-01T00:00:00Z"} {
		if got, err := ParseStart(text); err == nil {
			t.Errorf("ParseStart(%q) = %v, want an error", text, got)
		}
	}
}

// places is a Places.
type places map[string]string

func (p places) Place(shard string) (string, bool) { s, ok := p[shard]; return s, ok }

// The stream of the cases: 0 was split into 1 and 2; 1 and 2 were merged into
// 3; 4 stands alone. 0, 1 and 2 are closed.
func TestStartPlan(t *testing.T) {
	shard := func(id string, closed bool, parents ...string) types.Shard {
		s := types.Shard{ShardId: &id, SequenceNumberRange: &types.SequenceNumberRange{}}
		if closed {
			s.SequenceNumberRange.EndingSequenceNumber = aws.String("9")
		}
		if len(parents) > 0 {
			s.ParentShardId = &parents[0]
		}
		if len(parents) > 1 {
			s.AdjacentParentShardId = &parents[1]
		}
		return s
	}
	stream := []types.Shard{
		shard("0", true), shard("1", true, "0"), shard("2", true, "0"), shard("3", false, "1", "2"), shard("4", false),
	}
	listed, asked := time.Unix(1000, 0), time.Unix(500, 0)
	now, then, oldest := position{at: listed}, position{at: asked}, position{}
	for name, c := range map[string]struct {
		start  Start
		places places
		from   map[string]position
		skip   map[string]bool
	}{
		"latest": {
			Start{}, nil,
			map[string]position{"0": now, "1": now, "2": now, "3": now, "4": now},
			map[string]bool{"0": true, "1": true, "2": true, "3": false, "4": false},
		},
		"trim horizon": {
			Start{TrimHorizon: true}, nil,
			map[string]position{"0": oldest, "1": oldest, "2": oldest, "3": oldest, "4": oldest},
			map[string]bool{"0": false, "1": false, "2": false, "3": false, "4": false},
		},
		"time": {
			Start{At: asked}, nil,
			map[string]position{"0": then, "1": then, "2": then, "3": then, "4": then},
			map[string]bool{"0": false, "1": false, "2": false, "3": false, "4": false},
		},
		"a place, and its descendants": {
			Start{}, places{"1": "77"},
			map[string]position{"0": now, "1": {after: "77"}, "2": now, "3": oldest, "4": now},
			map[string]bool{"0": true, "2": true, "4": false},
		},
		"places of a parent and a child": {
			Start{At: asked}, places{"0": "5", "3": "88"},
			map[string]position{"0": {after: "5"}, "1": oldest, "2": oldest, "3": {after: "88"}, "4": then},
			map[string]bool{"4": false},
		},
	} {
		from, skip := c.start.plan(stream, c.places, listed)
		if !reflect.DeepEqual(from, c.from) || !reflect.DeepEqual(skip, c.skip) {
			t.Errorf("%s: from %v skip %v, want %v and %v", name, from, skip, c.from, c.skip)
		}
	}
}
