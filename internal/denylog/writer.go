package denylog

import (
	"bytes"
	"time"
)

const (
	// chunkBytes is how much is written at once: what a pipe holds.
	chunkBytes = 64 << 10
	// summaryDelay is how long suppressed lines are added up before a summary
	// tells their number. So there is at most one summary in that time.
	summaryDelay = time.Second
)

// run is the writer. It ends when the log closes and all is written or given up.
func (l *Log) run() {
	defer close(l.done)
	summary := time.NewTimer(summaryDelay)
	summary.Stop()
	armed := false
	for {
		select {
		case <-l.wake:
			l.drain()
		case <-summary.C:
			armed = false
			l.drain()
			l.tell()
		case <-l.closing:
			l.drain()
			l.tell()
			l.leave()
			return
		}
		if !armed && l.untold() {
			summary.Reset(summaryDelay)
			armed = true
		}
	}
}

// drain writes until nothing waits.
func (l *Log) drain() {
	for {
		l.mu.Lock()
		next, cut := l.next, l.queue.cut
		lines := l.queue.take(l.spare)
		l.next = nil
		l.mu.Unlock()
		l.spare = lines
		if next != nil {
			l.writeAll(lines[:cut])
			l.turn(next)
			lines = lines[cut:]
		}
		l.writeAll(lines)
		if len(l.spare) == 0 {
			return
		}
	}
}

// writeAll writes lines chunk by chunk, and settles each.
func (l *Log) writeAll(lines []byte) {
	for len(lines) > 0 {
		chunk := lines[:chunkEnd(lines)]
		lines = lines[len(chunk):]
		n, err := l.out.write(chunk)
		l.settle(chunk, n)
		l.report(err)
	}
}

// chunkEnd returns the length of the first chunk: as many whole lines as fit in
// chunkBytes, but at least one.
func chunkEnd(lines []byte) int {
	if len(lines) <= chunkBytes {
		return len(lines)
	}
	if i := bytes.LastIndexByte(lines[:chunkBytes], '\n'); i >= 0 {
		return i + 1
	}
	return bytes.IndexByte(lines, '\n') + 1
}

// settle takes a chunk out of the queue, of which the first n bytes were written.
// After the deadline of Close there is nothing to settle: all was counted lost.
func (l *Log) settle(chunk []byte, n int) {
	lines, lost := bytes.Count(chunk, newline), bytes.Count(chunk[n:], newline)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.abandoned {
		return
	}
	l.queue.settle(len(chunk), uint64(lines))
	l.counts.dropped[reasonWrite] += uint64(lost)
	l.room.Broadcast()
}

var newline = []byte{'\n'}

// turn changes to the next output. What is torn in the old one stays torn.
func (l *Log) turn(next *output) {
	l.leave()
	if err := l.out.close(); err != nil {
		l.logger.Warn("old deny log was not closed well", "sink", l.sink, "err", err)
	}
	l.out = next
}

// leave finishes the output. A line that stays torn is lost; a summary that
// stays torn is told again.
func (l *Log) leave() {
	if err := l.out.finish(); err == nil || !l.out.torn() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.out.suppressed > 0:
		l.suppressed += l.out.suppressed
	case !l.abandoned:
		l.counts.dropped[reasonWrite]++
	}
}

// tell writes a summary of the lines suppressed since the last one. What it
// cannot write is told with the next summary.
func (l *Log) tell() {
	l.mu.Lock()
	n := l.suppressed
	l.suppressed = 0
	l.mu.Unlock()
	if n == 0 {
		return
	}
	l.line = append(l.form.summary(l.line[:0], time.Now(), n), '\n')
	taken, err := l.out.write(l.line)
	l.report(err)
	switch {
	case taken == 0:
		l.mu.Lock()
		l.suppressed += n
		l.mu.Unlock()
	case l.out.torn():
		l.out.suppressed = n
	}
}

func (l *Log) untold() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.suppressed > 0
}

// report tells the operator when writing begins to fail and when it works again.
func (l *Log) report(err error) {
	switch {
	case err != nil && l.failure == nil:
		l.logger.Error("deny log cannot be written, lines are lost; free the disk or restart its reader", "sink", l.sink, "err", err)
	case err == nil && l.failure != nil:
		l.logger.Info("deny log is written again", "sink", l.sink)
	}
	l.failure = err
}
