package source

import (
	"log/slog"
	"slices"
	"sync"
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

// places is a Places. Its lock is the one of the totals, if there are any.
type places struct {
	mu sync.Mutex
	m  map[string]string
}

func (p *places) Place(partition string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.m[partition]
	return s, ok
}

func (p *places) Pin(partition, position string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = make(map[string]string)
	}
	if position == "" {
		delete(p.m, partition)
		return
	}
	p.m[partition] = position
}

// Where the shards of a first listing begin, and what is pinned of it. The
// shards 0, 1 and 2 are closed; 3 is a child of 1 and 2, and 4 stands alone.
func TestBegin(t *testing.T) {
	shard := func(id string, closed bool) types.Shard {
		s := types.Shard{ShardId: &id, SequenceNumberRange: &types.SequenceNumberRange{}}
		if closed {
			s.SequenceNumberRange.EndingSequenceNumber = aws.String("9")
		}
		return s
	}
	list := []types.Shard{shard("0", true), shard("1", true), shard("2", true), shard("3", false), shard("4", false)}
	is, was := identity{time.Unix(9, 0), "arn"}, identity{time.Unix(8, 0), "arn"}
	other := identity{time.Unix(9, 0), "another"}
	const (
		now, over, then, oldest = "time=1000000@1000000", "ended@1000000", "time=500000@1000000", "oldest@1000000"
	)
	all := func(place string) []string { return []string{place, place, place, place, place} }
	at := Start{At: time.Unix(500, 0)}
	m, old := "@"+is.mark(), "@"+was.mark()
	for name, c := range map[string]struct {
		start  Start
		is     identity
		places map[string]string
		want   []string
	}{
		"latest":                 {Start{}, identity{}, nil, []string{over, over, over, now, now}},
		"latest of known":        {Start{}, is, nil, []string{over + m, over + m, over + m, now + m, now + m}},
		"oldest":                 {Start{TrimHorizon: true}, identity{}, nil, all(oldest)},
		"time":                   {at, identity{}, nil, all(then)},
		"a place, not finished":  {at, identity{}, map[string]string{"1": "77@5"}, []string{then, "77@5", then, then, then}},
		"places":                 {Start{}, is, map[string]string{"/stream": is.encode(), "0": "ended@5" + m, "1": "77@5"}, []string{"ended@5" + m, "77@5", oldest + m, oldest + m, oldest + m}},
		"places, now not known":  {Start{}, identity{}, map[string]string{"/stream": is.encode(), "1": "77@5" + m}, []string{oldest, "77@5" + m, oldest, oldest, oldest}},
		"places, then not known": {Start{}, is, map[string]string{"/stream": identity{}.encode(), "1": "77@5"}, []string{oldest + m, "77@5", oldest + m, oldest + m, oldest + m}},
		"made anew":              {Start{}, is, map[string]string{"/stream": was.encode(), "0": "ended@5" + old, "1": "77@5" + old}, all(oldest + m)},
		"another":                {at, is, map[string]string{"/stream": other.encode(), "1": "77@5@" + other.mark()}, all(then + m)},
		"rotten":                 {at, is, map[string]string{"/stream": is.encode(), "1": "x", "2": "5", "3": "time=@5"}, all(oldest + m)},
	} {
		s := &stream{
			Kinesis: &Kinesis{Start: c.start}, places: &places{m: c.places}, meter: (*Metrics)(nil).kinesisMeter("test"),
			log: slog.New(slog.DiscardHandler),
		}
		s.identify(c.is)
		var got []string
		for _, item := range list {
			from := s.begin(item, look{at: time.Unix(1000, 0)})
			place, _ := s.places.Place(*item.ShardId)
			got = append(got, place)
			if back, _, ok := decodePosition(place); !ok || back.encode("") != from.encode("") {
				t.Errorf("%s: begins at %+v, but pins %s", name, from, place)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
		}
		s.remember()
		pinned, _ := s.places.Place(identityPartition)
		if want := c.is.encode(); pinned != want && (c.is.mark() != "" || c.places["/stream"] == "") || !s.known {
			t.Errorf("%s: pinned %s as the identity, want %s", name, pinned, want)
		}
	}
}
