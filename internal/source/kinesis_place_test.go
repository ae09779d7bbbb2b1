package source

import (
	"strings"
	"testing"
	"time"
)

func TestPositionAsPlace(t *testing.T) {
	const sequence = "49659872614601432879300000000000000000000000000000000007"
	at, seen := time.UnixMilli(1700000000123), time.UnixMilli(1700000000456)
	for place, want := range map[string]struct {
		position
		mark string
	}{
		sequence + "@1700000000456":          {position{after: sequence, seen: seen}, ""},
		sequence + "@0":                      {position{after: sequence}, ""},
		sequence + "@1700000000456@89abcdef": {position{after: sequence, seen: seen}, "89abcdef"},
		"time=1700000000123@1700000000456":   {position{at: at, seen: seen}, ""},
		"oldest@0@89abcdef":                  {position{}, "89abcdef"},
		"ended@1700000000456@89abcdef":       {position{ended: true, seen: seen}, "89abcdef"},
	} {
		got, mark, ok := decodePosition(place)
		if !ok || got != want.position || mark != want.mark {
			t.Errorf("%s is %+v of %q, %v", place, got, mark, ok)
		}
		if text := want.encode(want.mark); text != place {
			t.Errorf("%+v is written %s, want %s", want, text, place)
		}
	}
	// What an ended shard was before does not matter any more.
	if got := (position{after: sequence, ended: true, seen: seen}).encode(""); got != "ended@1700000000456" {
		t.Errorf("an ended shard is written %s", got)
	}
	for _, place := range []string{"", "@", sequence, "@5", "x@5", "12x@5", "-1@5", "time=@5", "time=0@5", "time=x@5", "oldest", "ended@", "ended@-1", "ended@x"} {
		if got, _, ok := decodePosition(place); ok {
			t.Errorf("%q is read as %+v, want an error", place, got)
		}
	}
}

// A place is written for every data record: in one piece.
func TestPositionIsOneAllocation(t *testing.T) {
	p := position{after: strings.Repeat("4", 56), seen: time.UnixMilli(1700000000456)}
	var place string
	if n := testing.AllocsPerRun(100, func() { place = p.encode("89abcdef") }); n != 1 {
		t.Errorf("%s takes %v allocations, want 1", place, n)
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("49659872614601432879300000000000000000000000000000000007@1700000000456@89abcdef")
	f.Add("time=1700000000123@0")
	f.Add("oldest@1")
	f.Add("ended@1@x@y")
	f.Fuzz(func(t *testing.T, place string) {
		p, mark, ok := decodePosition(place)
		if !ok {
			return
		}
		text := p.encode(mark)
		if again, m, ok := decodePosition(text); !ok || again != p || m != mark {
			t.Errorf("%q is %+v of %q, but %q is %+v of %q", place, p, mark, text, again, m)
		}
	})
}

func TestLater(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"2", "1", true}, {"1", "2", false}, {"1", "1", false}, {"10", "9", true}, {"9", "10", false}} {
		if later(c.a, c.b) != c.want {
			t.Errorf("%s later than %s: want %v", c.a, c.b, c.want)
		}
	}
}
