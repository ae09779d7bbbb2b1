package source

import (
	"context"
	"os"
)

// patient reads from what may keep its readers waiting for ever: a terminal, or
// a pipe whose other end is silent or not even open. Read ends with the context;
// the goroutine that waits is left behind then.
type patient struct {
	ctx    context.Context
	cancel context.CancelFunc
	pages  chan page
	hand   page // what Read has not given out yet
}

// page is what one read of the file brought.
type page struct {
	data []byte
	err  error
}

func newPatient(ctx context.Context, open func() (*os.File, error)) *patient {
	p := &patient{pages: make(chan page)}
	p.ctx, p.cancel = context.WithCancel(ctx)
	go p.pump(open)
	return p
}

// pump opens the file and reads it, one page ahead of Read.
func (p *patient) pump(open func() (*os.File, error)) {
	file, err := open()
	if err == nil {
		defer file.Close()
	}
	for err == nil {
		data := make([]byte, 64<<10)
		var n int
		n, err = file.Read(data)
		if !p.send(page{data: data[:n]}) {
			return
		}
	}
	p.send(page{err: err})
}

func (p *patient) send(next page) bool {
	select {
	case p.pages <- next:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	for len(p.hand.data) == 0 && p.hand.err == nil {
		select {
		case p.hand = <-p.pages:
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		}
	}
	n := copy(b, p.hand.data)
	p.hand.data = p.hand.data[n:]
	if n == 0 {
		return 0, p.hand.err
	}
	return n, nil
}

// Close lets the goroutine go.
func (p *patient) Close() error {
	p.cancel()
	return nil
}
