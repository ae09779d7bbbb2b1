package source

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// firehoseStream delivers bodies, a request each, as Firehose does: until each is
// answered 200, several at once, with the same id each time, and longer and longer
// pauses. It lives longer than the exporters that it delivers to.
type firehoseStream struct {
	requests []string // bodies
}

// to returns a source that the stream delivers to while it runs.
func (s *firehoseStream) to(m *memo) runner {
	return runs(func(ctx context.Context) error {
		f := &Firehose{Name: "firehose", Handler: m, Places: m, InFlight: 3}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var sending sync.WaitGroup
		defer sending.Wait()
		for first := range 3 {
			sending.Go(func() {
				for i := first; i < len(s.requests) && ctx.Err() == nil; i += 3 {
					s.deliver(ctx, f, i)
				}
			})
		}
		err := f.Run(ctx)
		cancel()
		return err
	})
}

// runs is a source in a function.
type runs func(context.Context) error

func (r runs) Run(ctx context.Context) error { return r(ctx) }

// deliver sends a request until it is answered 200. What was answered in a life of
// the exporter is sent in the next one too, as if the answer had been lost.
func (s *firehoseStream) deliver(ctx context.Context, f *Firehose, i int) {
	for failures := 0; ctx.Err() == nil; failures++ {
		if s.send(ctx, f, i) == http.StatusOK || !sleep(ctx, time.Second<<min(failures, 7)) {
			return
		}
	}
}

// send returns the status of the answer, 0 when none comes in 180 seconds.
func (s *firehoseStream) send(ctx context.Context, f *Firehose, i int) (status int) {
	ctx, leave := context.WithTimeout(ctx, 180*time.Second)
	answered := make(chan int, 1)
	go func() {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, delivery("http://firehose.test", fmt.Sprint("request-", i), s.requests[i]).WithContext(ctx))
		answered <- w.Code
	}()
	defer leave()
	select {
	case status = <-answered:
	case <-ctx.Done():
	}
	return status
}
