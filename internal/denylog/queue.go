package denylog

import (
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// queue holds whole lines, each ended by a newline. Its two parts never exceed
// limit bytes together: lines that wait, and lines in the hands of the writer.
type queue struct {
	limit  int
	fill   []byte
	flight int    // bytes the writer has taken and not settled
	lines  uint64 // of both parts
	cut    int    // the lines of fill before this byte belong to the old output
}

// add encodes the line of a record at the end of the queue, or says that it has
// no room.
func (q *queue) add(f form, source string, r *flow.Record) bool {
	before := len(q.fill)
	q.fill = append(f.record(q.fill, source, r), '\n')
	if len(q.fill)+q.flight > q.limit {
		q.fill = q.fill[:before]
		return false
	}
	q.lines++
	return true
}

// take hands all waiting lines to the writer and goes on with an empty buffer.
func (q *queue) take(spare []byte) []byte {
	taken := q.fill
	q.fill, q.flight, q.cut = spare[:0], len(taken), 0
	return taken
}

// settle forgets bytes that the writer has dealt with, and the lines in them.
func (q *queue) settle(bytes int, lines uint64) {
	q.flight -= bytes
	q.lines -= lines
}

// clear forgets everything and returns how many lines that was.
func (q *queue) clear() uint64 {
	lines := q.lines
	*q = queue{limit: q.limit}
	return lines
}

// bucket is a token bucket: rate tokens a second, at most a second's worth.
type bucket struct {
	rate, tokens float64
	last         time.Time
}

// newBucket returns a full bucket. Rate 0 never refuses.
func newBucket(rate int, now time.Time) bucket {
	return bucket{rate: float64(rate), tokens: float64(rate), last: now}
}

func (b *bucket) fill(now time.Time) {
	b.tokens = min(b.rate, b.tokens+now.Sub(b.last).Seconds()*b.rate)
	b.last = now
}

func (b *bucket) take() bool {
	if b.rate == 0 {
		return true
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
