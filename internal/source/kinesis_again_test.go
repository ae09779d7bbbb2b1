package source

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
)

// A closed shard that one listing leaves out and a later one has again is not
// read again: listings are not always of one mind.
func TestKinesisListingWavers(t *testing.T) {
	for name, start := range map[string]Start{"read to its end": {TrimHorizon: true}, "closed before the start": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &demo.Kinesis{}
				parent := k.Open()[0]
				if err := k.PutTo(parent, []byte("old")); err != nil {
					t.Fatal(err)
				}
				if err := k.Split(parent); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				var hide atomic.Bool
				b := newBench(k, func(w http.ResponseWriter, op, body string, r *http.Request) bool {
					if op != "ListShards" || !hide.Load() {
						return false
					}
					_, after, _ := strings.Cut(newAnswer(k, body, r), `{"HashKeyRange"`)
					_, rest, _ := strings.Cut(after, `{"HashKeyRange"`)
					_, _ = io.WriteString(w, `{"Shards":[{"HashKeyRange"`+rest)
					return true
				})
				b.Start = start
				b.start(t)
				time.Sleep(5 * time.Second)
				before := b.sorted()
				hide.Store(true)
				time.Sleep(2 * time.Minute)
				hide.Store(false)
				time.Sleep(2 * time.Minute)
				b.want(t, before...)
				b.stop(t)
			})
		})
	}
}

// A stream that was deleted and created again under its name has shards of the
// same ids: they are read from their oldest record, as all of it is new.
func TestKinesisStreamIsCreatedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var current atomic.Pointer[demo.Kinesis]
		first, again := &demo.Kinesis{Shards: 3}, &demo.Kinesis{Shards: 3, After: 1000}
		current.Store(first)
		b := newBench(first, func(w http.ResponseWriter, op, body string, r *http.Request) bool {
			k := current.Load()
			if k == nil {
				refuse(w, 400, "ResourceNotFoundException", "Stream demo under account 1 not found.")
				return true
			}
			r.Body = io.NopCloser(strings.NewReader(body))
			k.ServeHTTP(w, r)
			return true
		})
		put(t, first, "a ")
		closed := first.Open()[:2]
		if err := first.Merge(closed[0], closed[1]); err != nil {
			t.Fatal(err)
		}
		b.start(t)
		time.Sleep(5 * time.Second)
		current.Store(nil)
		time.Sleep(2 * time.Minute)
		put(t, again, "b ")
		current.Store(again)
		time.Sleep(5 * time.Minute)
		b.want(t, "a 0", "a 1", "a 2", "b 0", "b 1", "b 2")
		if n := b.log.count("made anew"); n == 0 {
			t.Errorf("log: %s", &b.log.b)
		}
		b.stop(t)
	})
}

// put adds a record to each open shard.
func put(t *testing.T, k *demo.Kinesis, text string) {
	t.Helper()
	for i, id := range k.Open() {
		if err := k.PutTo(id, fmt.Appendf(nil, "%s%d", text, i)); err != nil {
			t.Fatal(err)
		}
	}
}
