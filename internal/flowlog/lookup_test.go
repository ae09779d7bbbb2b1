package flowlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// asked is an Ask that counts and answers from a map; an answer may be changed.
type asked struct {
	mu      sync.Mutex
	count   map[string]int
	formats map[string][]string
	err     error
	takes   time.Duration
}

func (a *asked) ask(ctx context.Context, group string) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count == nil {
		a.count = map[string]int{}
	}
	a.count[group]++
	formats, err := a.formats[group], a.err
	if a.takes > 0 {
		a.mu.Unlock()
		defer a.mu.Lock()
		select {
		case <-time.After(a.takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return formats, err
}

// columns asks for the formats of a group and returns how long they are.
func columns(f Formats, group string) (n []int) {
	for _, format := range f.For([]byte(group)).Formats() {
		n = append(n, format.Columns())
	}
	return n
}

func expect(t *testing.T, f Formats, group string, want ...int) {
	t.Helper()
	if diff := cmp.Diff(want, columns(f, group)); diff != "" {
		t.Errorf("columns of %q (-want +got):\n%s", group, diff)
	}
}

func TestLookupAsksOncePerGroupAndInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, log := logged()
		a := &asked{formats: map[string][]string{"one": {"${srcaddr} ${dstaddr}"}, "two": {v5, "srcaddr", v5}}}
		l := &Lookup{Ask: a.ask, Logger: logger}
		for range 3 {
			expect(t, l, "one", 2)
			expect(t, l, "two", 29, 1)
			expect(t, l, "", 14)
		}
		time.Sleep(5*time.Minute - 1)
		expect(t, l, "one", 2)
		if diff := cmp.Diff(map[string]int{"one": 1, "two": 1}, a.count); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Nanosecond)
		a.formats["one"] = []string{"srcaddr dstaddr bytes"}
		expect(t, l, "one", 3)
		expect(t, l, "two", 29, 1)
		if diff := cmp.Diff(map[string]int{"one": 2, "two": 2}, a.count); diff != "" {
			t.Error(diff)
		}
		want := "level=INFO msg=\"log group one: format with 2 fields: ${srcaddr} ${dstaddr}\"\n" +
			"level=INFO msg=\"log group two: " + Fixed(mustParse(t, v5)).String() + "; or format with 1 fields: ${srcaddr}\"\n" +
			"level=INFO msg=\"log group one: format with 3 fields: ${srcaddr} ${dstaddr} ${bytes}\"\n"
		if diff := cmp.Diff(want, log.String()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLookupFallsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, log := logged()
		a := &asked{err: errors.New("not authorized"), formats: map[string][]string{}}
		l := &Lookup{Ask: a.ask, Logger: logger, Refresh: time.Minute, Default: Fixed(mustParse(t, "srcaddr"))}
		expect(t, l, "g", 1)
		expect(t, l, "g", 1)
		if a.count["g"] != 1 {
			t.Errorf("a failure is asked for again at once")
		}
		time.Sleep(time.Minute)
		expect(t, l, "g", 1)
		if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "not authorized") {
			t.Errorf("the same failure is told %d times:\n%s", n, log)
		}
		time.Sleep(time.Minute)
		a.err, a.formats["g"] = nil, []string{"srcaddr dstaddr"}
		expect(t, l, "g", 2)
		time.Sleep(time.Minute)
		a.err = errors.New("throttled")
		expect(t, l, "g", 2) // what was known stays
		time.Sleep(time.Minute)
		a.err, a.formats["g"] = nil, nil
		expect(t, l, "g", 2)
		a.formats["odd"] = []string{"2 1 eni-1", "", "dstaddr"}
		expect(t, l, "odd", 1)
		a.formats["worse"] = []string{"2 1 eni-1"}
		expect(t, l, "worse", 1)
		if !strings.Contains(log.String(), "log group odd: a flow log is left out") {
			t.Errorf("nothing is said of a format that cannot be read:\n%s", log)
		}
	})
}

func TestLookupGivesUpAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{takes: time.Hour}
		start := time.Now()
		expect(t, &Lookup{Ask: a.ask}, "g", 14)
		if took := time.Since(start); took != askTimeout {
			t.Errorf("took %v", took)
		}
	})
}

func TestLookupAsksOnceForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{takes: time.Second, formats: map[string][]string{"g": {"srcaddr dstaddr"}, "h": {"srcaddr"}}}
		l := &Lookup{Ask: a.ask}
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() { expect(t, l, "g", 2) })
			wait.Go(func() { expect(t, l, "h", 1) })
		}
		start := time.Now()
		wait.Wait()
		if took := time.Since(start); took != time.Second {
			t.Errorf("questions for different groups wait for each other: %v", took)
		}
		if a.count["g"] != 1 || a.count["h"] != 1 {
			t.Errorf("asked %v", a.count)
		}
		// While one asks again, the others have the old answer at once.
		time.Sleep(time.Hour)
		wait.Go(func() { expect(t, l, "g", 2) })
		synctest.Wait()
		start = time.Now()
		expect(t, l, "g", 2)
		if took := time.Since(start); took != 0 {
			t.Errorf("waited %v for an answer that was there", took)
		}
		wait.Wait()
	})
}

func TestLookupIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{formats: map[string][]string{"late": {"srcaddr"}, "later": {"srcaddr"}}}
		logger, log := logged()
		l := &Lookup{Ask: a.ask, Logger: logger}
		for i := range MaxLogGroups {
			l.For(fmt.Appendf(nil, "group-%d", i))
			time.Sleep(time.Millisecond)
		}
		for range 3 {
			expect(t, l, "late", 14)
			expect(t, l, "later", 14)
		}
		if len(a.count) != MaxLogGroups {
			t.Errorf("%d groups were asked for", len(a.count))
		}
		if n := strings.Count(log.String(), "more than 1000 log groups"); n != 1 {
			t.Errorf("that there are too many was told %d times", n)
		}
		time.Sleep(5*time.Minute - time.Second + time.Millisecond/2) // the first answer is too old, and only that
		expect(t, l, "late", 1)
		expect(t, l, "later", 14)
		if _, there := l.groups["group-0"]; there || len(l.groups) != MaxLogGroups {
			t.Errorf("%d groups are remembered, the oldest among them: %v", len(l.groups), there)
		}
	})
}

func TestLookupAllocatesNothingOnAHit(t *testing.T) {
	a := &asked{formats: map[string][]string{"a log group with a name that is not short": {"srcaddr"}}}
	l := &Lookup{Ask: a.ask}
	name := []byte("a log group with a name that is not short")
	l.For(name)
	if n := testing.AllocsPerRun(100, func() { l.For(name) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestReaderUsesTheFormatOfTheLogGroup(t *testing.T) {
	a := &asked{formats: map[string][]string{"a": {"srcaddr packets"}, "b": {"packets srcaddr"}}}
	r := NewReader(Options{Formats: &Lookup{Ask: a.ask}})
	var got collected
	body := envelope("a", "s", "10.0.0.1 1") + envelope("b", "s", "2 10.0.0.2") + envelope("a", "s", "10.0.0.3 3")
	for range 2 {
		if err := r.Read(flow.Body{Data: []byte(body)}, got.add); err != nil {
			t.Fatal(err)
		}
	}
	if len(got.records) != 6 || got.Skipped.Sum() != 0 || a.count["a"] != 1 || a.count["b"] != 1 {
		t.Errorf("%s, asked %v", got.show(), a.count)
	}
}

func TestLookupRemembersNoEndlessNames(t *testing.T) {
	l := &Lookup{Ask: func(context.Context, string) ([]string, error) {
		t.Error("a question about a name that AWS does not allow")
		return nil, nil
	}}
	expect(t, l, strings.Repeat("g", MaxGroupName+1), 14)
	if len(l.groups) != 0 {
		t.Errorf("%d log groups are remembered", len(l.groups))
	}
}
