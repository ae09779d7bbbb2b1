package denylog

import (
	"context"
	"errors"
	"fmt"
)

// Reopen opens the file again under its path, as after a rotation. Lines
// accepted before the call go to the old file, lines accepted after it to the
// new one; the old file is closed when its lines are written. On an error the
// old file stays in use. Reopen does nothing for stdout and stderr, and never
// waits for the output.
func (l *Log) Reopen() error {
	if l == nil || l.path == "" {
		return nil
	}
	out, err := openFile(l.path)
	if err != nil {
		return err
	}
	return l.turnTo(out)
}

// turnTo lets the lines accepted from now on go to another output.
func (l *Log) turnTo(out *output) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return out.close()
	}
	if l.next != nil { // the writer has not come to the last turn yet
		err = l.next.close()
	} else {
		l.queue.cut = len(l.queue.fill)
	}
	l.next = out
	l.rouse()
	return err
}

// Hurry ends the waiting of Observe, now and from now on.
func (l *Log) Hurry() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wait = false
	l.room.Broadcast()
}

// Dropped returns how many refused flows have no line, for whatever reason.
func (l *Log) Dropped() (n uint64) {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, dropped := range l.counts.dropped {
		n += dropped
	}
	return n
}

// Close writes what waits and a last summary, then closes a file. Flows observed
// from now on are dropped and counted as reason="queue". When ctx ends first,
// the lines that are not known to be written are counted as reason="write" and
// Close returns an error with their number; the writer is left behind in its
// blocked write. A failed last write is an error, too. Only the first call
// closes.
func (l *Log) Close(ctx context.Context) error {
	if l == nil || !l.beginClose() {
		return nil
	}
	select {
	case <-l.done:
		if l.failure != nil {
			l.failure = fmt.Errorf("deny log to %s: %w", l.sink, l.failure)
		}
		return errors.Join(l.failure, l.out.close())
	case <-ctx.Done():
		return l.abandon(ctx.Err())
	}
}

// beginClose starts the closing, or says that it was started before.
func (l *Log) beginClose() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.closed = true
	l.room.Broadcast()
	close(l.closing)
	return true
}

// abandon gives up every line that is not written.
func (l *Log) abandon(cause error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abandoned = true
	lost := l.queue.clear()
	l.counts.dropped[reasonWrite] += lost
	return fmt.Errorf("deny log to %s: %d lines could not be written in time: %w", l.sink, lost, cause)
}
