package web

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// sayAgain is how often the log tells of clients that meet a limit.
const sayAgain = time.Minute

// clients are the connections of a listener. They tell the log when a limit bites.
type clients struct {
	net.Listener
	limits     Limits
	log        *slog.Logger
	open       atomic.Int64
	full, slow reminder
}

// connection is one connection.
type connection struct {
	net.Conn
	of     *clients
	closed sync.Once
	// began is when the request in hand began, or the connection, in Unix
	// nanoseconds; 0 between two requests.
	began atomic.Int64
}

// Accept implements net.Listener.
func (c *clients) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if n := c.open.Add(1); n >= int64(c.limits.MaxConnections) {
		if times, due := c.full.due(); due {
			c.log.Warn("as many HTTP connections are open as may be: further clients wait until one is closed",
				"address", c.Addr().String(), "connections", n, "times", times)
		}
	}
	return &connection{Conn: conn, of: c}, nil
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.closed.Do(func() { c.of.open.Add(-1) })
	return c.Conn.Close()
}

// watch is the ConnState of the listener's server. A connection that ends long
// after its request began is one of a client that was slow to ask or to read.
func (c *clients) watch(conn net.Conn, state http.ConnState) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	one, ok := conn.(*connection)
	if !ok {
		return
	}
	switch state {
	case http.StateNew, http.StateActive:
		one.began.CompareAndSwap(0, time.Now().UnixNano())
	case http.StateIdle:
		one.began.Store(0)
	case http.StateClosed:
		began := one.began.Load()
		if began == 0 || time.Since(time.Unix(0, began)) < c.limits.ReadHeaderTimeout {
			return
		}
		if times, due := c.slow.due(); due {
			c.log.Info("HTTP connections of slow clients ended", "client", conn.RemoteAddr().String(), "times", times)
		}
	}
}

// reminder tells of what happens often once a minute.
type reminder struct {
	mu    sync.Mutex
	next  time.Time
	times int
}

// due counts, and reports how often it was since it was last told of, when that
// is to be told.
func (r *reminder) due() (times int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times++
	now := time.Now()
	if now.Before(r.next) {
		return 0, false
	}
	times, r.times, r.next = r.times, 0, now.Add(sayAgain)
	return times, true
}
