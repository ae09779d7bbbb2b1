package source

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// pipes is a listener whose connections live in memory, and so in a bubble.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestFirehosePatience: a body may take its time as long as some of it comes every
// 30 seconds, and 180 seconds in all; then who sends it is told to come again.
func TestFirehosePatience(t *testing.T) {
	const body = `{"requestId":"slow","records":[{"data":"aWQ="}]}`
	for name, c := range map[string]struct {
		pause  time.Duration // before each piece
		pieces int
		status string
		after  time.Duration
	}{
		"at once":                        {0, 1, "200 OK", 0},
		"in 175 seconds":                 {25 * time.Second, 7, "200 OK", 175 * time.Second},
		"in more than 180 seconds":       {25 * time.Second, 8, "408 Request Timeout", 180 * time.Second},
		"never":                          {time.Hour, 1, "408 Request Timeout", 30 * time.Second},
		"in pauses of 29 seconds":        {29 * time.Second, 2, "200 OK", 58 * time.Second},
		"pauses of more than 30 seconds": {31 * time.Second, 2, "408 Request Timeout", 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				counted := 0
				f := &Firehose{Name: "firehose", Handler: handlerFunc(func(context.Context, flow.Body) error { counted++; return nil })}
				listener := &pipes{make(chan net.Conn), make(chan struct{})}
				server := &http.Server{Handler: f, ReadTimeout: FirehoseReadTimeout}
				go func() { _ = server.Serve(listener) }()
				defer server.Close()
				var sending sync.WaitGroup
				defer sending.Wait()
				client, end := net.Pipe()
				defer client.Close()
				listener.connections <- end
				begun := time.Now()
				sending.Go(func() {
					fmt.Fprintf(client, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\nX-Amz-Firehose-Protocol-Version: 1.0\r\n%s: slow\r\n\r\n",
						len(body), requestIDHeader)
					for i := range c.pieces {
						time.Sleep(c.pause)
						if _, err := io.WriteString(client, body[i*len(body)/c.pieces:(i+1)*len(body)/c.pieces]); err != nil {
							return // who is refused hears nothing more
						}
					}
				})
				first := make([]byte, 64)
				n, err := client.Read(first)
				answer, took := string(first[:n]), time.Since(begun)
				if err != nil || !strings.HasPrefix(answer, "HTTP/1.1 "+c.status) || took != c.after {
					t.Errorf("%q, %v after %v; want %s after %v", answer, err, took, c.status, c.after)
				}
				if want := strings.Count(c.status, "200"); counted != want {
					t.Errorf("%d counted, want %d", counted, want)
				}
			})
		})
	}
}
