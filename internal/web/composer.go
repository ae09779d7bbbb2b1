package web

import (
	"context"
	"sync"

	"github.com/prometheus/common/expfmt"
)

// composer composes answers for all scrapes that wait for one of a kind: so
// thousands at once cost little more than their sending. A scrape never gets an
// answer whose making began before it came.
type composer struct {
	compose func(format expfmt.Format, zip bool) (*body, error)

	mu sync.Mutex
	// next are the answers whose making has not begun, by their kind; busy are
	// the kinds of which one is being made. There are gatheredAtOnce kinds.
	next map[order]*composition
	busy map[order]bool
}

// order is a kind of answer.
type order struct {
	format expfmt.Format
	zip    bool
}

// composition is an answer that is made once, for the scrapes that wait for it.
type composition struct {
	made chan struct{} // closed when the rest is set
	body *body
	err  error

	mu    sync.Mutex
	users int // who wait for it or send it, and its maker
}

// release is called once by each user. The last one gives the body back.
func (a *composition) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.users--; a.users == 0 {
		a.body.release()
	}
}

// await returns an answer, which the caller releases, or the error of making it,
// or that of ctx if that ends before. A gatherer cannot be called off: the
// scrapes of its kind wait until it returns.
func (c *composer) await(ctx context.Context, o order) (*composition, error) {
	a := c.join(o)
	select {
	case <-a.made:
	case <-ctx.Done():
		a.release()
		return nil, ctx.Err()
	}
	if a.err != nil {
		a.release()
		return nil, a.err
	}
	return a, nil
}

// join adds a user to the next answer of a kind, and has it made.
func (c *composer) join(o order) *composition {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.next[o]
	if a == nil {
		a = &composition{made: make(chan struct{}), users: 1}
		c.next[o] = a
	}
	a.mu.Lock()
	a.users++
	a.mu.Unlock()
	if !c.busy[o] {
		c.busy[o] = true
		go c.work(o)
	}
	return a
}

// work makes answers of a kind as long as somebody waits for one.
func (c *composer) work(o order) {
	for a := c.begin(o); a != nil; a = c.begin(o) {
		a.body, a.err = c.compose(o.format, o.zip)
		close(a.made)
		a.release()
	}
}

// begin returns the answer to make now, nil when nobody waits any more.
func (c *composer) begin(o order) *composition {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.next[o]
	delete(c.next, o)
	if a == nil {
		delete(c.busy, o)
	}
	return a
}
