package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

const plainKey = "AWSLogs/123456789012/vpcflowlogs/eu-west-1/2026/03/01/123456789012_vpcflowlogs_eu-west-1_fl-1_20260301T0000Z_%d.log.gz"

func key(i int) string { return fmt.Sprintf(plainKey, i) }

// TestFault50DuplicatesInAnyOrder: each object counts once however often it is
// told of, in one message or in several, before and after a restart.
func TestFault50DuplicatesInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		var contents, notes []string
		for i := range 40 {
			contents = append(contents, fmt.Sprint("object ", i))
			notes = append(notes, s.put(key(i), contents[i]))
		}
		both := strings.TrimSuffix(notes[0], "]}") + "," + strings.TrimPrefix(notes[1], `{"Records":[`)
		s.send(notes...)
		s.send(both, both)
		s.send(notes...)
		r.start(t)
		until(t, "all deleted", func() bool { return s.left() == 0 })
		r.stop(t)
		r.want(t, contents...)
		s.send(notes...)
		r.start(t) // another process that goes on with the same memory
		until(t, "all deleted again", func() bool { return s.left() == 0 })
		r.stop(t)
		r.want(t, contents...)
		if n := r.outcome(objectAgain); n != 84 {
			t.Errorf("%v objects were recognised, want 84", n)
		}
		if n := s.called("GetObject"); n != 40 {
			t.Errorf("%d objects were asked for, want 40", n)
		}
	})
}

// slowly makes the handler take its time for each object.
func (r *customer) slowly(d time.Duration) {
	inner := r.Handler
	r.Handler = handlerFunc(func(ctx context.Context, body flow.Body) error {
		time.Sleep(d)
		return inner.Handle(ctx, body)
	})
}

// TestFault51VisibilityIsProlonged: an object that takes ten times the
// visibility timeout is received once.
func TestFault51VisibilityIsProlonged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		r.slowly(5 * time.Minute)
		s.add(key(1), "slow")
		r.start(t)
		until(t, "deleted", func() bool { return s.left() == 0 })
		r.stop(t)
		r.want(t, "slow")
		if n := s.parcels()[0].receives; n != 1 {
			t.Errorf("the message was received %d times", n)
		}
	})
}

// TestFault51VisibilityRunsOut: what comes again while it is being read is
// neither counted twice nor deleted early.
func TestFault51VisibilityRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		s.before = func(w http.ResponseWriter, op string, _ []byte, _ *http.Request) bool {
			if op == "ChangeMessageVisibilityBatch" {
				refuseQueue(w, 500, "InternalError")
				return true
			}
			return false
		}
		r.slowly(100 * time.Second)
		s.add(key(1), "slow")
		r.start(t)
		time.Sleep(90 * time.Second)
		if s.parcels()[0].receives < 2 {
			t.Fatal("the message did not come again: nothing is shown")
		}
		if s.left() != 1 {
			t.Error("the message was deleted before its object was counted")
		}
		until(t, "deleted", func() bool { return s.left() == 0 })
		r.stop(t)
		r.want(t, "slow")
	})
}

// TestFault52ForeignMessages: what is no flow log is deleted or left, never
// read, and keys are decoded.
func TestFault52ForeignMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.attributes["RedrivePolicy"], s.maxReceives = `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:1:dead","maxReceiveCount":3}`, 3
		r := newShopReader(s)
		r.Allow = []Allowed{{Bucket: shopBucket}}
		hive := "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2026/month=03/day=01/hour=09/a b+c.log.gz"
		s.add(hive, "hive")
		s.add("exports/3ad9/eni-1-all/000000.gz", "export")
		s.send(`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"logs","RequestId":"1","HostId":"2"}`)
		s.add("AWSLogs/123456789012/CloudTrail/eu-west-1/2026/03/01/x.json.gz", "trail")
		s.add("exports/aws-logs-write-test", "Permission Check Successful")
		s.add("AWSLogs/123456789012/vpcflowlogs/", "")
		s.send(strings.Replace(s.put(key(2), "deleted"), "ObjectCreated:Put", "ObjectRemoved:Delete", 1))
		s.send("junk", strings.Replace(s.put(key(3), "elsewhere"), `"logs"`, `"their-logs"`, 1))
		r.start(t)
		until(t, "all deleted or dead", func() bool { return s.left() == 0 })
		r.stop(t)
		r.want(t, "hive", "export")
		if len(s.dead) != 2 || r.outcome(objectForeign) != 4 || r.outcome(objectNotAllowed) != 3 {
			t.Errorf("dead %q, %v foreign, %v not allowed", s.dead, r.outcome(objectForeign), r.outcome(objectNotAllowed))
		}
		if n := testutil.ToFloat64(r.Metrics.object.unreadable.WithLabelValues("s3")); n != 3 {
			t.Errorf("%v messages were unreadable, want 3 receives of one", n)
		}
		if n := r.log.count("level=WARN"); n != 2 {
			t.Errorf("%d warnings, want one of each kind:\n%s", n, &r.log.b)
		}
	})
}

// TestFault53WhatS3Refuses: an object that is gone is let go, one that is
// refused is kept and told, and all else is tried again. Nothing counts by half.
func TestFault53WhatS3Refuses(t *testing.T) {
	for name, c := range map[string]struct {
		answer  func(s *shop, w http.ResponseWriter, r *http.Request)
		outcome outcome
		kept    bool // until S3 works again
		says    string
	}{
		"404":       {func(_ *shop, w http.ResponseWriter, _ *http.Request) { refuseObject(w, 404, "NoSuchKey") }, objectMissing, false, ""},
		"no bucket": {func(_ *shop, w http.ResponseWriter, _ *http.Request) { refuseObject(w, 404, "NoSuchBucket") }, objectFailed, true, "there is no bucket"},
		"403": {
			func(_ *shop, w http.ResponseWriter, _ *http.Request) { refuseObject(w, 403, "AccessDenied") }, objectDenied, true,
			`AWS denied s3:GetObject on arn:aws:s3:::logs/AWSLogs`,
		},
		"503": {func(_ *shop, w http.ResponseWriter, _ *http.Request) { refuseObject(w, 503, "SlowDown") }, objectFailed, true, "throttled"},
		"cut": {func(_ *shop, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("half"))
			panic(http.ErrAbortHandler)
		}, objectFailed, true, "network"},
		"short": {func(_ *shop, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("half"))
		}, objectFailed, true, "network"},
		"412": {func(_ *shop, w http.ResponseWriter, _ *http.Request) { refuseObject(w, 412, "PreconditionFailed") }, objectReplaced, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop()
				r := newShopReader(s)
				var works atomic.Bool
				s.before = func(w http.ResponseWriter, op string, _ []byte, req *http.Request) bool {
					if op != "GetObject" || works.Load() {
						return false
					}
					c.answer(s, w, req)
					return true
				}
				s.add(key(1), "whole")
				r.start(t)
				until(t, "noticed", func() bool { return r.outcome(c.outcome) > 0 })
				time.Sleep(10 * time.Minute)
				r.want(t)
				if kept := s.left() == 1; kept != c.kept {
					t.Errorf("the message is kept: %t, want %t", kept, c.kept)
				}
				if n := r.log.count("an object can't be read"); c.kept && n != 1 || !c.kept && n > 0 || r.log.count(c.says) == 0 {
					t.Errorf("it was told %d times, or not of %q:\n%s", n, c.says, &r.log.b)
				}
				works.Store(true)
				until(t, "deleted", func() bool { return s.left() == 0 })
				r.stop(t)
				if c.kept {
					r.want(t, "whole")
				} else {
					r.want(t)
				}
			})
		})
	}
}

// TestFault53AnotherRange: a part of an object that was not asked for is no part.
func TestFault53AnotherRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		whole := text(3*blockSize+17, 1)
		r.Handler = readAnywhere(r, t, whole)
		var wrong atomic.Int64
		s.before = func(w http.ResponseWriter, _ string, _ []byte, req *http.Request) bool {
			if span := req.Header.Get("Range"); span != "" && wrong.Add(1) <= 3 {
				var from, to int
				_, _ = fmt.Sscanf(span, "bytes=%d-%d", &from, &to)
				req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", max(0, from-5), to-5)) // as long as the right one
			}
			return false
		}
		s.add(key(1), whole)
		r.start(t)
		until(t, "deleted", func() bool { return s.left() == 0 })
		r.stop(t)
		r.want(t, whole)
		if r.outcome(objectFailed) == 0 {
			t.Error("no wrong part was noticed")
		}
	})
}

// readAnywhere is a handler that reads an object as a footer-first format does.
func readAnywhere(r *customer, t *testing.T, whole string) Handler {
	return handlerFunc(func(_ context.Context, body flow.Body) error {
		o := body.Stream.(interface {
			io.ReaderAt
			Size() int64
		})
		if o.Size() != int64(len(whole)) {
			t.Errorf("size %d, want %d", o.Size(), len(whole))
		}
		rng := rand.New(rand.NewPCG(1, 1))
		for range 100 {
			off := rng.Int64N(o.Size())
			p := make([]byte, rng.IntN(2*blockSize))
			n, err := o.ReadAt(p, off)
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			want := whole[off:min(off+int64(len(p)), o.Size())]
			if string(p[:n]) != want || errors.Is(err, io.EOF) != (n < len(p)) {
				t.Fatalf("ReadAt(%d bytes, %d) = %d, %v", len(p), off, n, err)
			}
		}
		r.count(body.Place, whole)
		return nil
	})
}

// TestFault55ReplacedWhileRead: all parts are of the object that the
// notification told of, or nothing of it counts.
func TestFault55ReplacedWhileRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		first, second := text(2*blockSize, 1), text(2*blockSize, 2)
		r.Handler = handlerFunc(func(_ context.Context, body flow.Body) error {
			o := body.Stream.(io.ReaderAt)
			part := make([]byte, blockSize)
			var all string
			for i := range 2 {
				if _, err := o.ReadAt(part, int64(i*blockSize)); err != nil {
					return err
				}
				all += string(part)
				if all == first[:blockSize] {
					s.add(key(1), second)
				}
			}
			r.count(body.Place, all)
			return nil
		})
		s.add(key(1), first)
		r.start(t)
		until(t, "deleted", func() bool { return s.left() == 0 })
		r.stop(t)
		r.want(t, second)
		if r.outcome(objectReplaced) != 1 || r.outcome(objectCounted) != 1 {
			t.Errorf("%v replaced, %v counted", r.outcome(objectReplaced), r.outcome(objectCounted))
		}
	})
}

// commits lets commits happen when told.
type commits struct {
	let chan struct{}
	err error
}

func (c *commits) Committed(ctx context.Context) error {
	select {
	case <-c.let:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestS3DeletesAfterTheCommit, and not when there is none; meanwhile it prolongs.
func TestS3DeletesAfterTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		c := &commits{let: make(chan struct{})}
		r.Commits = c
		s.add(key(1), "one")
		r.start(t)
		time.Sleep(time.Hour)
		r.want(t, "one")
		if s.left() != 1 || s.parcels()[0].receives != 1 {
			t.Fatalf("%d messages left before the commit, received %d times", s.left(), s.parcels()[0].receives)
		}
		close(c.let)
		until(t, "deleted", func() bool { return s.left() == 0 })
		r.stop(t)
	})
}

// TestS3StopsWithoutACommit: the message stays and is recognised later.
func TestS3StopsWithoutACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		r.Commits = &commits{let: make(chan struct{})}
		s.add(key(1), "one")
		r.start(t)
		time.Sleep(time.Minute)
		r.stop(t)
		if s.left() != 1 {
			t.Error("a message was deleted without a commit")
		}
		r.Commits = nil
		r.start(t)
		until(t, "deleted", func() bool { return s.left() == 0 })
		r.stop(t)
		r.want(t, "one")
	})
}

// trickle is a body that never comes to its end.
type trickle struct{ ctx context.Context }

func (b trickle) Read(p []byte) (int, error) {
	if !sleep(b.ctx, time.Second) {
		return 0, b.ctx.Err()
	}
	p[0] = 'x'
	return 1, nil
}

// endless is a client of which one object never ends, or gives nothing at all.
type endless struct {
	memory
	silent bool
}

func (e endless) Do(r *http.Request) (*http.Response, error) {
	resp, err := e.memory.Do(r)
	if err == nil && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "endless") {
		resp.Header.Set("Content-Length", "1000000")
		resp.Body = io.NopCloser(trickle{r.Context()})
		if e.silent {
			resp.Body = io.NopCloser(mute{r.Context()})
		}
	}
	return resp, err
}

// mute is a body that gives nothing.
type mute struct{ ctx context.Context }

func (b mute) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

// TestS3StopsInTheMiddle: a half-read object is dropped, uncounted, and its
// message is visible to others at once.
func TestS3StopsInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		r.AWS.HTTPClient = endless{memory{s}, false}
		s.add("vpcflowlogs/endless", "endless")
		s.add(key(1), "one")
		r.start(t)
		time.Sleep(time.Hour)
		r.stop(t)
		r.want(t, "one")
		if s.left() != 1 || s.parcels()[0].visible.After(time.Now()) {
			t.Errorf("%d messages left, visible in %v", s.left(), time.Until(s.parcels()[0].visible))
		}
	})
}

// TestS3ThatSaysNothing: an object that gives nothing for half a minute fails,
// and others are read meanwhile.
func TestS3ThatSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		r.AWS.HTTPClient = endless{memory{s}, true}
		r.Workers = 1
		s.add(key(1), "one")
		s.add("vpcflowlogs/endless", "endless")
		r.start(t)
		until(t, "failed", func() bool { return r.outcome(objectFailed) > 0 && r.outcome(objectCounted) == 1 })
		r.stop(t)
		r.want(t, "one")
		if r.log.count("sent nothing")+r.log.count("did not answer in time") == 0 {
			t.Errorf("not told:\n%s", &r.log.b)
		}
	})
}

// TestS3EndsWithTheHandler: an error of the machine ends it, and the message
// stays.
func TestS3EndsWithTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		broken := errors.New("the machine is broken")
		r.Handler = handlerFunc(func(context.Context, flow.Body) error { return broken })
		s.add(key(1), "one")
		r.start(t)
		if err := <-r.ended; !errors.Is(err, broken) {
			t.Errorf("Run = %v", err)
		}
		if s.left() != 1 || len(r.places) != 0 {
			t.Errorf("%d messages left, places %v", s.left(), r.places)
		}
	})
}

// TestHostileS3: whatever fails, each object counts once and the queue becomes
// empty.
func TestHostileS3(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop()
				r := newShopReader(s)
				rng := rand.New(rand.NewPCG(seed, 1))
				var gate atomic.Int64 // faults that are left
				gate.Store(400)
				lock := make(chan struct{}, 1)
				chance := func(n int) bool {
					lock <- struct{}{}
					defer func() { <-lock }()
					return rng.IntN(n) == 0
				}
				s.before = func(w http.ResponseWriter, op string, _ []byte, req *http.Request) bool {
					if !chance(3) || gate.Add(-1) < 0 {
						return false
					}
					switch {
					case chance(4):
						panic(http.ErrAbortHandler)
					case op == "GetObject" && chance(2):
						w.Header().Set("Content-Length", "100000")
						_, _ = w.Write([]byte("half of something"))
						panic(http.ErrAbortHandler)
					case op == "GetObject":
						refuseObject(w, 503, "SlowDown")
					case op == "DeleteMessageBatch" && chance(2):
						fmt.Fprint(w, `{"Successful":[],"Failed":[{"Id":"0","SenderFault":false,"Code":"InternalError"}]}`)
					case chance(2):
						refuseQueue(w, 400, "OverLimit")
					default:
						refuseQueue(w, 503, "ServiceUnavailable")
					}
					return true
				}
				var contents []string
				for i := range 100 {
					contents = append(contents, fmt.Sprint("object ", i))
					note := s.put(key(i), contents[i])
					s.send(note)
					if rng.IntN(4) == 0 {
						s.send(note)
					}
				}
				r.start(t)
				until(t, "all deleted", func() bool { return s.left() == 0 })
				r.stop(t)
				r.want(t, contents...)
			})
		})
	}
}

// TestS3NotReady: it says why, with the remedy, and goes on trying.
func TestS3NotReady(t *testing.T) {
	for code, says := range map[string]string{
		"QueueDoesNotExist": "there is no queue https://sqs.eu-west-1.amazonaws.com/123456789012/flow-logs in region eu-west-1: check its URL",
		"AccessDenied":      "AWS denied sqs:ReceiveMessage on *",
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop()
				r := newShopReader(s)
				var works atomic.Bool
				s.before = func(w http.ResponseWriter, _ string, _ []byte, _ *http.Request) bool {
					if !works.Load() {
						refuseQueue(w, 400, code)
					}
					return !works.Load()
				}
				s.add(key(1), "one")
				r.start(t)
				time.Sleep(30 * time.Minute)
				if err := r.Ready(); err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("Ready = %v, want %s", err, says)
				}
				if n := r.log.count("level=WARN"); n != 3 {
					t.Errorf("%d warnings in half an hour, want one each ten minutes:\n%s", n, &r.log.b)
				}
				works.Store(true)
				until(t, "deleted", func() bool { return s.left() == 0 })
				if err := r.Ready(); err != nil {
					t.Errorf("Ready = %v", err)
				}
				r.stop(t)
			})
		})
	}
}

// TestS3IdlesCheaply: an empty queue is asked three times a minute.
func TestS3IdlesCheaply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		r.start(t)
		time.Sleep(time.Hour)
		r.stop(t)
		if n := s.called("ReceiveMessage"); n > 182 {
			t.Errorf("%d calls in an hour", n)
		}
		if n := s.called("ChangeMessageVisibilityBatch") + s.called("DeleteMessageBatch"); n != 0 {
			t.Errorf("%d calls about no message", n)
		}
	})
}

// TestS3AsksForNoMoreThanItCanRead: messages that nobody works on stay with others.
func TestS3AsksForNoMoreThanItCanRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		r := newShopReader(s)
		r.Workers = 3
		var now, most atomic.Int64
		inner := r.Handler
		r.Handler = handlerFunc(func(ctx context.Context, body flow.Body) error {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			time.Sleep(time.Minute)
			return inner.Handle(ctx, body)
		})
		for i := range 30 {
			s.add(key(i), fmt.Sprint(i))
		}
		r.start(t)
		time.Sleep(90 * time.Second)
		held := 0
		for _, m := range s.parcels() {
			if m.receives > 0 && !m.deleted {
				held++
			}
		}
		if held > 3 || most.Load() != 3 {
			t.Errorf("%d messages are held, %d read at once, want 3", held, most.Load())
		}
		until(t, "deleted", func() bool { return s.left() == 0 })
		r.stop(t)
	})
}

// TestS3PositionsGrow also when the clock was set back between two lives.
func TestS3PositionsGrow(t *testing.T) {
	r := &customer{places: map[string]string{"a": "9000000000000"}}
	h := newHand(r)
	now := time.Now()
	if first, second := h.position(now), h.position(now); first != "9000000000001" || second != "9000000000002" {
		t.Errorf("got %s and %s", first, second)
	}
}
