package source

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"golang.org/x/net/http2"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Who waits is let in in turn, a large one not after all smaller ones that
// come later, and who gives up keeps nobody waiting.
func TestRoomLetsInInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(10)
		var mu sync.Mutex
		var in []int
		enter := func(ctx context.Context, size int) {
			go func() {
				if r.enter(ctx, size) == nil {
					mu.Lock()
					in = append(in, size)
					mu.Unlock()
				}
			}()
			synctest.Wait()
		}
		expect := func(want ...int) {
			t.Helper()
			synctest.Wait()
			if !slices.Equal(in, want) {
				t.Errorf("in are %v, want %v", in, want)
			}
		}
		impatient, giveUp := context.WithCancel(t.Context())
		enter(t.Context(), 6)
		enter(impatient, 9)
		enter(t.Context(), 4)
		enter(t.Context(), 5)
		enter(t.Context(), 2)
		expect(6)
		giveUp()
		expect(6, 4)
		r.leave(6)
		expect(6, 4, 5)
		r.leave(4)
		r.leave(5)
		expect(6, 4, 5, 2)
		r.leave(2)
		if r.free != 10 || len(r.line) != 0 {
			t.Errorf("at the end %d of 10 are free, %d wait", r.free, len(r.line))
		}
	})
}

func TestRoomEndsWithContext(t *testing.T) {
	r := newRoom(1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.enter(ctx, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("enter = %v", err)
	}
	if err := r.enter(t.Context(), 1); err != nil {
		t.Errorf("who left the line still stands in it: %v", err)
	}
}

// TestAnswersInHand: however small the answers are that need room, there is no
// more of it than for some to each processor.
func TestAnswersInHand(t *testing.T) {
	for processors, want := range map[int]int{1: 4, 2: 8, 4: 16, 8: 16, 64: 16} {
		r := newRoom(MinBuffered)
		r.least = leastRoom(processors)
		enough, cancel := context.WithCancel(t.Context())
		cancel()
		var in []*answer
		for {
			a := &answer{room: r}
			if a.reserve(enough, smallAnswer+1) != nil {
				break
			}
			in = append(in, a)
		}
		if len(in) != want {
			t.Errorf("%d processors: room for %d answers, want %d", processors, len(in), want)
		}
		if a := (&answer{room: r}); a.reserve(enough, smallAnswer) != nil {
			t.Error("an answer that needs no room waits")
		}
		for _, a := range in {
			a.leave()
		}
		if r.free != MinBuffered {
			t.Errorf("at the end %d of %d are free", r.free, MinBuffered)
		}
	}
}

func TestBufferSizes(t *testing.T) {
	for n, want := range map[int]int{
		0: smallAnswer, smallAnswer: smallAnswer, smallAnswer + 1: leastLarge, leastLarge: leastLarge, leastLarge + 1: 2 * leastLarge,
		14 << 20: 16 << 20, maxAnswer: maxAnswer,
	} {
		if got := bufferSize(n); got != want {
			t.Errorf("%d bytes take %d, want %d", n, got, want)
		}
	}
}

// Idle buffers serve again, take no room from answers, and leave when nobody
// needs them.
func TestIdleBuffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(8 << 20)
		lend := func(n int) *buffer {
			t.Helper()
			if err := r.enter(t.Context(), bufferSize(n)); err != nil {
				t.Fatal(err)
			}
			return r.borrow(n)
		}
		back := func(b *buffer) {
			r.restore(b)
			r.leave(len(b.bytes))
		}
		expect := func(when string, held int) {
			t.Helper()
			if r.idle.held != held {
				t.Errorf("%s: idle are %d bytes, want %d", when, r.idle.held, held)
			}
		}
		one, two := lend(2<<20), lend(1<<20)
		back(one)
		back(two)
		expect("both are back", 4<<20)
		if again := lend(1 << 20); again != two {
			t.Error("another buffer than the one that was used last")
		} else {
			back(again)
		}
		large := lend(8 << 20)
		expect("all of the room is taken", 0)
		back(large)
		for range 2 * smallIdle {
			r.restore(&buffer{bytes: make([]byte, smallAnswer)})
		}
		if r.idle.small != smallIdle {
			t.Errorf("%d small buffers are kept, want %d", r.idle.small, smallIdle)
		}
		expect("small ones do not count", 8<<20)
		time.Sleep(idleTime + 1)
		r.restore(&buffer{bytes: make([]byte, smallAnswer)})
		expect("a minute later", 0)
		if len(r.idle.list) != 1 {
			t.Errorf("%d buffers are kept", len(r.idle.list))
		}
	})
}

// crowd is 64 shards behind with a large answer each, in memory for some of
// them, and one shard that is read to its tip.
type crowd struct {
	*bench
	kinesis   *demo.Kinesis
	small     aws.HTTPClient // gives the other answers
	tip       string
	large     string        // the records of a large answer
	handling  time.Duration // of a large answer
	now, most atomic.Int64  // large answers in memory
	handled   sync.Map      // shards whose large answer is handled
}

const (
	crowdShards = 64
	crowdRoom   = 16
	crowdBytes  = 1 << 20
)

func newCrowd(handling time.Duration) *crowd {
	c := &crowd{kinesis: &demo.Kinesis{Shards: crowdShards + 1}, handling: handling}
	c.tip = c.kinesis.Open()[crowdShards]
	c.large = `[{"SequenceNumber":"49","Data":"` + strings.Repeat("AAAA", crowdBytes/3) + `"}]`
	c.bench = newBench(c.kinesis, nil)
	c.MaxBuffered = crowdRoom * max(bufferSize(len(c.large)), leastRoom(runtime.GOMAXPROCS(0)))
	c.small, c.AWS.HTTPClient = c.AWS.HTTPClient, c
	own := c.Handler
	c.Handler = handlerFunc(func(ctx context.Context, body flow.Body) error {
		if body.Place.Partition == c.tip {
			return own.Handle(ctx, body)
		}
		time.Sleep(c.handling)
		c.handled.Store(body.Place.Partition, true)
		c.now.Add(-1)
		return nil
	})
	return c
}

// Do gives every shard but one its large answer, until that is handled.
func (c *crowd) Do(r *http.Request) (*http.Response, error) {
	text, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(text))
	shard := shardOfBody(string(text))
	if _, handled := c.handled.Load(shard); handled || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetRecords") || shard == c.tip {
		return c.small.Do(r)
	}
	_, asked, _ := strings.Cut(string(text), `"ShardIterator":"`)
	asked, _, _ = strings.Cut(asked, `"`)
	begin := `{"MillisBehindLatest":1,"NextShardIterator":"` + asked + `","Records":`
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, ContentLength: int64(len(begin) + len(c.large) + 1),
		Body: &largeBody{crowd: c, ctx: r.Context(), Reader: io.MultiReader(strings.NewReader(begin), strings.NewReader(c.large), strings.NewReader("}"))},
	}, nil
}

func (c *crowd) done() (n int) {
	c.handled.Range(func(any, any) bool { n++; return true })
	return n
}

// largeBody is in memory from when it is first read.
type largeBody struct {
	io.Reader
	crowd *crowd
	ctx   context.Context
	begun bool
}

func (b *largeBody) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if !b.begun {
		b.begun = true
		now := b.crowd.now.Add(1)
		for most := b.crowd.most.Load(); now > most && !b.crowd.most.CompareAndSwap(most, now); most = b.crowd.most.Load() {
		}
	}
	return b.Reader.Read(p)
}

func (b *largeBody) Close() error { return nil }

// Answers wait for memory, some longer than a call may take; none is lost, no
// failure is told, and the shard at the tip does not wait for them.
func TestKinesisMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(12 * time.Second)
		c.start(t)
		var want []string
		for i := range 20 {
			time.Sleep(2 * time.Second)
			c.want(t, want...)
			want = append(want, fmt.Sprintf("%02d", i))
			if err := c.kinesis.PutTo(c.tip, []byte(want[i])); err != nil {
				t.Fatal(err)
			}
		}
		if n := c.done(); n >= crowdShards {
			t.Errorf("%d large answers are handled: nobody had to wait", n)
		}
		if got := c.metric(t, "flowlog_source_buffered_bytes"); !slices.Equal(got, []string{fmt.Sprintf("%g", float64(c.MaxBuffered))}) {
			t.Errorf("buffered bytes %q, want all of %d", got, c.MaxBuffered)
		}
		time.Sleep(time.Minute)
		if n := c.done(); n != crowdShards {
			t.Errorf("%d of %d large answers are handled", n, crowdShards)
		}
		if most := c.most.Load(); most != crowdRoom {
			t.Errorf("%d answers were in memory at once, want %d", most, crowdRoom)
		}
		for _, failures := range c.metric(t, "flowlog_source_request_failures_total") {
			if !strings.HasSuffix(failures, " 0") {
				t.Errorf("failures: %s", failures)
			}
		}
		if got := c.metric(t, "flowlog_source_buffered_bytes"); !slices.Equal(got, []string{"0"}) {
			t.Errorf("buffered bytes %q when all is handled", got)
		}
		if got := c.metric(t, "flowlog_source_buffer_wait_seconds_total"); slices.Equal(got, []string{"0"}) {
			t.Errorf("seconds of waiting %q", got)
		}
		c.stop(t)
	})
}

// A stop lets the answers in memory be handled, and no other.
func TestKinesisStopWhileWaitingForMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(time.Hour)
		c.start(t)
		time.Sleep(45 * time.Second) // some wait within a call, some before the next
		c.cancel()
		begin := time.Now()
		c.stop(t)
		if took := time.Since(begin); took > time.Hour {
			t.Errorf("the stop took %s", took)
		}
		if n := c.done(); n != crowdRoom {
			t.Errorf("%d large answers are handled, want the %d in memory", n, crowdRoom)
		}
	})
}

// Over HTTP/2 an answer that waits for room fills little memory meanwhile: the
// client announces how much of an answer may be sent before it is read.
func TestUnreadAnswersStayAtKinesis(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	windows := make(chan uint32, 1)
	server.TLS = &tls.Config{NextProtos: []string{"h2"}}
	server.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) {
			if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
				t.Error(err)
			}
			frame, err := http2.NewFramer(nil, conn).ReadFrame()
			if settings, ok := frame.(*http2.SettingsFrame); ok {
				window, _ := settings.Value(http2.SettingInitialWindowSize)
				windows <- window
			} else {
				t.Errorf("the first frame is %v, %v", frame, err)
			}
		},
	}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	k := &Kinesis{Name: "test", Stream: "demo", Logger: slog.New(slog.DiscardHandler), AWS: aws.Config{
		Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig.RootCAs = roots }),
	}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- k.Run(ctx) }()
	if window := <-windows; window != streamWindow {
		t.Errorf("%d bytes of an answer may be sent before it is read, want %d", window, streamWindow)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
