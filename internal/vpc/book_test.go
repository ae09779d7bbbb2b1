package vpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// loader is a Loader whose answer the test changes.
type loader struct {
	mu      sync.Mutex
	subnets []flow.Subnet
	err     error
	times   []time.Time
	hang    bool
}

func (l *loader) Load(ctx context.Context) ([]flow.Subnet, []Interface, error) {
	if l.hang {
		<-ctx.Done()
		return nil, nil, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times = append(l.times, time.Now())
	return l.subnets, nil, l.err
}

// loads returns the times of all loads so far.
func (l *loader) loads() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.times)
}

func (l *loader) answer(err error, cidrs ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err, l.subnets = err, nil
	for _, c := range cidrs {
		l.subnets = append(l.subnets, subnet(c, "", "vpc-1"))
	}
}

func cidrs(b *Book) string {
	var list []string
	for _, s := range b.Table().Subnets() {
		list = append(list, s.CIDR)
	}
	return strings.Join(list, " ")
}

// logged keeps what was logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// inBubble runs a book in a bubble of its own time and stops it at the end.
func inBubble(t *testing.T, b *Book, test func()) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		synctest.Wait()
		test()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// pass lets time pass and all that is due in it happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestBookRefreshes(t *testing.T) {
	l := new(loader)
	l.answer(nil, "10.0.0.0/24", "10.0.1.0/24")
	b := &Book{Loader: l, Logger: slog.New(slog.DiscardHandler)}
	inBubble(t, b, func() {
		steps := []struct {
			err   error
			given string
			want  string
		}{
			{nil, "10.0.1.0/24 10.0.2.0/24", "10.0.1.0/24 10.0.2.0/24"},
			{errors.New("throttled"), "", "10.0.1.0/24 10.0.2.0/24"},
			{ErrDenied, "10.0.7.0/24", "10.0.1.0/24 10.0.2.0/24"},
			{nil, "10.0.2.0/24", "10.0.2.0/24"},
		}
		if got := cidrs(b); got != "10.0.0.0/24 10.0.1.0/24" || b.Ready() != nil {
			t.Fatalf("at the start %q, %v", got, b.Ready())
		}
		for i, s := range steps {
			l.answer(s.err, strings.Fields(s.given)...)
			pass(6 * time.Minute)
			if got := cidrs(b); got != s.want || b.Ready() != nil {
				t.Fatalf("step %d: %q, %v; want %q", i, got, b.Ready(), s.want)
			}
		}
	})
}

func TestBookPace(t *testing.T) {
	l := new(loader)
	l.answer(errors.New("no network"))
	b := &Book{Loader: l, Refresh: 10 * time.Minute, Logger: slog.New(slog.DiscardHandler)}
	inBubble(t, b, func() {
		pass(3*time.Minute + 30*time.Second)
		want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute}
		loads := l.loads()
		if len(loads) != len(want)+1 {
			t.Fatalf("%d loads, want %d", len(loads), len(want)+1)
		}
		near := func(got, want time.Duration) bool { return got >= want*9/10 && got <= want*11/10 }
		for i, w := range want {
			if got := loads[i+1].Sub(loads[i]); !near(got, w) {
				t.Errorf("retry %d after %v, want %v and a tenth of jitter", i+1, got, w)
			}
		}
		l.answer(nil, "10.0.0.0/24")
		pass(75 * time.Second)
		n := len(l.loads())
		pass(25 * time.Minute)
		loads = l.loads()
		for i := n; i < len(loads); i++ {
			if got := loads[i].Sub(loads[i-1]); !near(got, b.Refresh) {
				t.Errorf("refreshed after %v, want %v and a tenth of jitter", got, b.Refresh)
			}
		}
		if len(loads) < n+2 || len(loads) > n+3 {
			t.Errorf("%d refreshes in 25 minutes", len(loads)-n)
		}
	})
}

func TestBookReady(t *testing.T) {
	if err := new(Book).Ready(); !errors.Is(err, errNotYet) {
		t.Errorf("before Run: %v", err)
	}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"success", nil, "<nil>"},
		{"failure", errors.New("cannot list subnets: no network"), "cannot list subnets: no network"},
		{"no permission", fmt.Errorf("cannot list subnets: %w", ErrDenied), "<nil>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := new(loader)
			l.answer(c.err)
			b := &Book{Loader: l, Logger: slog.New(slog.DiscardHandler)}
			inBubble(t, b, func() {
				if got := fmt.Sprint(b.Ready()); got != c.want {
					t.Errorf("ready: %s, want %s", got, c.want)
				}
			})
		})
	}
}

func TestBookWithoutPermission(t *testing.T) {
	client := twoPages()
	client.fail = map[string]error{"subnets 0": errNotPermitted}
	var log logged
	b := &Book{Loader: &EC2{Client: client}, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	inBubble(t, b, func() {
		recs := []flow.Record{record("10.0.0.5", "8.8.8.8")}
		locate(b.Table(), recs, nil)
		if b.Ready() != nil || recs[0].Subnet != nil || recs[0].Ambiguous {
			t.Errorf("ready %v, record %+v", b.Ready(), recs[0])
		}
		if want := "add ec2:DescribeSubnets or use --subnets.file"; !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q: %s", want, &log)
		}
		client.mu.Lock()
		client.fail = nil
		client.mu.Unlock()
		pass(2 * time.Minute)
		if got := cidrs(b); got != "10.0.0.0/24 2001:db8:0:6::/64 10.0.0.0/24" {
			t.Errorf("after the permission was given: %q", got)
		}
	})
}

// A list of which one page fails is not published, not even in part.
func TestBookKeepsListWhenAPageFails(t *testing.T) {
	for _, page := range []string{"subnets 0", "subnets 1", "interfaces 0", "interfaces 1"} {
		t.Run(page, func(t *testing.T) {
			client := twoPages()
			b := &Book{Loader: &EC2{Client: client}, Logger: slog.New(slog.DiscardHandler)}
			inBubble(t, b, func() {
				before := b.Table()
				client.mu.Lock()
				client.fail = map[string]error{page: errThrottled}
				client.subnets = [][]types.Subnet{{ec2Subnet("subnet-7", "vpc-7", "10.7.0.0/24")}, {ec2Subnet("subnet-8", "vpc-7", "10.8.0.0/24")}}
				client.mu.Unlock()
				pass(6 * time.Minute)
				if b.Table() != before {
					t.Errorf("the list became %q", cidrs(b))
				}
				if f := b.failures.Load(); f == 0 || f >= b.refreshes.Load() {
					t.Errorf("%d failures of %d refreshes", f, b.refreshes.Load())
				}
			})
		})
	}
}

func TestBookEndsLoadThatHangs(t *testing.T) {
	l := &loader{hang: true}
	b := &Book{Loader: l, Logger: slog.New(slog.DiscardHandler)}
	inBubble(t, b, func() {
		if err := b.Ready(); !errors.Is(err, errNotYet) {
			t.Errorf("while the first load runs: %v", err)
		}
		pass(loadTimeout)
		if err := b.Ready(); !errors.Is(err, context.DeadlineExceeded) || b.failures.Load() != 1 {
			t.Errorf("after the timeout: %v, %d failures", err, b.failures.Load())
		}
		pass(2 * time.Second) // the next load hangs when the book is stopped
	})
	if b.refreshes.Load() != 1 || b.failures.Load() != 1 {
		t.Errorf("%d refreshes, %d failures: a load that was stopped counts", b.refreshes.Load(), b.failures.Load())
	}
}

func TestBookPublishes(t *testing.T) {
	l := new(loader)
	l.answer(nil, "10.0.0.0/24")
	var mu sync.Mutex
	var published []string
	b := &Book{Loader: l, Logger: slog.New(slog.DiscardHandler)}
	b.Publish = func(subnets []*flow.Subnet, swap func()) {
		mu.Lock()
		defer mu.Unlock()
		before := cidrs(b)
		swap()
		published = append(published, before+">"+cidrs(b))
		if len(subnets) != len(b.Table().Subnets()) {
			t.Errorf("published %d subnets, the table has %d", len(subnets), len(b.Table().Subnets()))
		}
	}
	inBubble(t, b, func() {
		l.answer(nil, "10.0.1.0/24")
		pass(6 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if got := fmt.Sprint(published); got != "[>10.0.0.0/24 10.0.0.0/24>10.0.1.0/24]" {
			t.Errorf("published %s", got)
		}
	})
}

func TestBookLogsChanges(t *testing.T) {
	var log logged
	l := new(loader)
	l.answer(errors.New("request 1 failed"))
	b := &Book{Loader: l, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	said := func(what string) int { return strings.Count(log.String(), what) }
	inBubble(t, b, func() {
		pass(9 * time.Minute)
		if got := said("no subnets known"); got != 1 {
			t.Errorf("said %d times in 9 minutes, want once", got)
		}
		pass(3 * time.Minute)
		if got := said("no subnets known"); got != 2 {
			t.Errorf("said %d times in 12 minutes, want twice", got)
		}
		l.answer(nil, "10.0.0.0/24")
		pass(30 * time.Minute)
		if got := said("subnets read"); got != 1 {
			t.Errorf("success said %d times, want once", got)
		}
		l.answer(errors.New("request 2 failed"))
		pass(6 * time.Minute)
		if got := said("the last list stays in use"); got != 1 {
			t.Errorf("failure said %d times, want once", got)
		}
	})
}

// While tables are replaced, each block is placed by one of them as a whole.
func TestBookIsReplacedWhileRecordsArePlaced(t *testing.T) {
	b, l := &Book{Loader: new(loader)}, new(Learner)
	lists := [][]flow.Subnet{
		{subnet("10.0.0.0/24", "a", "vpc-1"), subnet("10.0.1.0/24", "b", "vpc-1")},
		{subnet("10.0.0.0/16", "c", "vpc-2")},
	}
	b.publish(NewTable(lists[0], nil))
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for range 500 {
				recs := []flow.Record{record("10.0.0.5", "8.8.8.8"), record("8.8.8.8", "10.0.1.5", atENI("eni-1")), record("10.0.1.5", "10.0.0.7", atENI("eni-1"))}
				locate(b.Table(), recs, l)
				_, first := placed(&recs[0])
				for i := range recs {
					if _, vpcID := placed(&recs[i]); vpcID != first || vpcID == "" {
						t.Errorf("record %d is in %q, the first in %q", i, vpcID, first)
					}
				}
			}
		})
	}
	for i := range 500 {
		b.publish(NewTable(lists[i%2], nil))
	}
	workers.Wait()
}

// TestBookRenewed: another loader is asked at once, and by its own interval then;
// while it fails the list stays.
func TestBookRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third := &loader{}, &loader{}, &loader{}
		second.answer(nil, "10.0.0.0/24")
		third.answer(errors.New("gone"))
		b := &Book{Loader: first, Refresh: time.Hour, Logger: slog.New(slog.DiscardHandler)}
		go func() { _ = b.Run(t.Context()) }()
		synctest.Wait()
		b.Renew(second, time.Minute)
		synctest.Wait()
		if len(second.loads()) != 1 || cidrs(b) != "10.0.0.0/24" {
			t.Fatalf("%d loads, subnets %q", len(second.loads()), cidrs(b))
		}
		time.Sleep(70 * time.Second) // a tenth more than a minute at most
		if n := len(second.loads()); n != 2 {
			t.Errorf("%d loads after a minute", n)
		}
		b.Renew(third, time.Minute)
		synctest.Wait()
		if len(first.loads()) != 1 || len(third.loads()) != 1 || cidrs(b) != "10.0.0.0/24" {
			t.Errorf("%d and %d loads, subnets %q", len(first.loads()), len(third.loads()), cidrs(b))
		}
	})
}

func TestNamed(t *testing.T) {
	got, err := Named("2001:db8::/32", "six")
	if err != nil || got.CIDR != "2001:db8::/32" || got.Name != "six" || len(got.Prefixes) != 1 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := Named("10.0.0.1/8", ""); err == nil || !strings.Contains(err.Error(), "did you mean 10.0.0.0/8?") {
		t.Errorf("got %v", err)
	}
}
