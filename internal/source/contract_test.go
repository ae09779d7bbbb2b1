package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// signed is how the sources of a suite speak to an endpoint in memory.
func signed(endpoint http.Handler) aws.Config {
	return aws.Config{
		Region: "eu-west-1", HTTPClient: memory{endpoint}, BaseEndpoint: aws.String("http://aws.test"),
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}
}

// roads are all sources. Each lays out bodies once, and then makes any number of
// sources, one after the other, that read them with the same memory.
var roads = map[string]func(t *testing.T, bodies []string) sourceOf{
	"kinesis": func(_ *testing.T, bodies []string) sourceOf {
		k := &demo.Kinesis{Stream: "flow", Shards: 3}
		for _, b := range bodies {
			k.Put([]byte(b))
		}
		return func(m *memo) runner {
			return &Kinesis{Name: "kinesis", Stream: "flow", AWS: signed(k), Handler: m, Places: m, Start: Start{TrimHorizon: true}}
		}
	},
	"s3": func(_ *testing.T, bodies []string) sourceOf {
		s := newShop()
		for i, b := range bodies {
			s.add(key(i), b)
			s.add(key(i), b)
		}
		return func(m *memo) runner {
			return &S3{Name: "s3", QueueURL: "http://aws.test/123456789012/flow", AWS: signed(s), Handler: m, Places: m, Workers: 3}
		}
	},
	"firehose": func(_ *testing.T, bodies []string) sourceOf {
		return (&firehoseStream{requests: bodies}).to
	},
	"file": func(t *testing.T, bodies []string) sourceOf {
		dir := t.TempDir()
		for i, b := range bodies {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return func(m *memo) runner {
			return &Files{Name: "file", Paths: []string{filepath.Join(dir, "*")}, Handler: m, Places: m}
		}
	},
}

// memo is a handler and the memory of it, as a ledger is: a body and its place
// are kept together, or neither is.
type memo struct {
	// before, when set, may fail a body.
	before func(ctx context.Context, content string) error

	mu     sync.Mutex
	got    []string
	places map[string]string
}

// Handle implements Handler.
func (m *memo) Handle(ctx context.Context, body flow.Body) error {
	content := string(body.Data)
	if body.Batch != nil {
		content = string(bytes.Join(body.Batch, nil))
	}
	if body.Stream != nil {
		b, err := io.ReadAll(body.Stream)
		if err != nil {
			return err
		}
		content = string(b)
	}
	if m.before != nil {
		if err := m.before(ctx, content); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, content)
	if m.places == nil {
		m.places = map[string]string{}
	}
	m.places[body.Place.Partition] = body.Place.Position
	return nil
}

// Place implements Places.
func (m *memo) Place(partition string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.places[partition]
	return p, ok
}

// Pin implements Places.
func (m *memo) Pin(partition, position string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.places == nil {
		m.places = map[string]string{}
	}
	m.places[partition] = position
	if position == "" {
		delete(m.places, partition)
	}
}

// Newest implements Memory.
func (m *memo) Newest() (newest string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.places {
		newest = max(newest, p)
	}
	return newest
}

func (m *memo) sorted() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(slices.Values(m.got))
}

// live runs a source until done, at its own end or when it is told to, and
// returns what Run does.
func live(t *testing.T, source runner, done func() bool) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- source.Run(ctx) }()
	for begun := time.Now(); !done(); {
		if time.Since(begun) > 4*time.Hour { // of the bubble
			t.Fatal("it neither ends nor gets done")
		}
		select {
		case err := <-ended:
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
	cancel()
	select {
	case err := <-ended:
		return err
	case <-time.After(grace + farewell + time.Second):
		t.Fatal("it goes on after it was told to end")
		return nil
	}
}

// TestContract is what every source promises. In a bubble of synctest, whatever
// goroutine is left behind fails the test.
func TestContract(t *testing.T) {
	var bodies []string
	for i := range 20 {
		bodies = append(bodies, fmt.Sprintf("body %02d", i))
	}
	for name, road := range roads {
		t.Run(name, func(t *testing.T) {
			for promise, check := range map[string]func(*testing.T, sourceOf, []string){
				"each body comes once":         eachBodyOnce,
				"a failure moves no place":     aFailureMovesNoPlace,
				"what is cut off comes again":  whatIsCutOffComesAgain,
				"it ends with its context":     itEndsWithItsContext,
				"a context that ended is fine": anEndedContext,
				"a slow handler is waited for": aSlowHandler,
			} {
				t.Run(promise, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { check(t, road(t, bodies), bodies) })
				})
			}
		})
	}
}

// sourceOf makes a source with a handler and memory.
type sourceOf = func(*memo) runner

// runner is a source.
type runner interface{ Run(context.Context) error }

// complete waits for all bodies, and then for one that is too many.
func (m *memo) complete(bodies []string) func() bool {
	var since time.Time
	return func() bool {
		if len(m.sorted()) < len(bodies) {
			return false
		}
		if since.IsZero() {
			since = time.Now()
		}
		return time.Since(since) > 2*time.Minute
	}
}

func eachBodyOnce(t *testing.T, source sourceOf, bodies []string) {
	m := &memo{}
	for range 3 { // lives
		if err := live(t, source(m), m.complete(bodies)); err != nil {
			t.Fatal(err)
		}
		if got := m.sorted(); !slices.Equal(got, bodies) {
			t.Fatalf("got %q", got)
		}
	}
}

func aFailureMovesNoPlace(t *testing.T, source sourceOf, bodies []string) {
	broken := errors.New("the machine is broken")
	m := &memo{}
	for i := range bodies {
		failed := false
		m.before = func(_ context.Context, content string) error {
			if content == bodies[i] {
				failed = true
				return broken
			}
			return nil
		}
		err := live(t, source(m), func() bool { return false })
		if slices.Contains(m.sorted(), bodies[i]) {
			continue // a life before has read it already
		}
		if !failed || !errors.Is(err, broken) {
			t.Fatalf("Run = %v, want the error of the handler", err)
		}
		break
	}
	m.before = nil
	if err := live(t, source(m), m.complete(bodies)); err != nil {
		t.Fatal(err)
	}
	if got := m.sorted(); !slices.Equal(got, bodies) {
		t.Errorf("got %q", got)
	}
}

// whatIsCutOffComesAgain: lives that end in the middle, at any body.
func whatIsCutOffComesAgain(t *testing.T, source sourceOf, bodies []string) {
	m := &memo{}
	m.before = func(context.Context, string) error { time.Sleep(time.Second); return nil }
	for n := 1; n <= len(bodies); n += 3 {
		if err := live(t, source(m), func() bool { return len(m.sorted()) >= n }); err != nil {
			t.Fatal(err)
		}
	}
	if err := live(t, source(m), m.complete(bodies)); err != nil {
		t.Fatal(err)
	}
	if got := m.sorted(); !slices.Equal(got, bodies) {
		t.Errorf("got %q", got)
	}
}

func itEndsWithItsContext(t *testing.T, source sourceOf, _ []string) {
	m := &memo{}
	if err := live(t, source(m), func() bool { return len(m.sorted()) > 0 }); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

func anEndedContext(t *testing.T, source sourceOf, _ []string) {
	m := &memo{}
	if err := live(t, source(m), func() bool { return true }); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// aSlowHandler takes longer than anything that AWS waits for.
func aSlowHandler(t *testing.T, source sourceOf, bodies []string) {
	m := &memo{}
	m.before = func(context.Context, string) error { time.Sleep(6 * time.Minute); return nil }
	if err := live(t, source(m), func() bool { return len(m.sorted()) == len(bodies) }); err != nil {
		t.Fatal(err)
	}
	if got := m.sorted(); !slices.Equal(got, bodies) {
		t.Errorf("got %q", got)
	}
}
