// Package denylog writes one line for each flow that a security group or network
// ACL refused. It never delays counting: lines wait in a bounded queue, and every
// line that does not make it is counted with its reason.
package denylog

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

const (
	// Off is the output of a log that is not kept.
	Off = "off"
	// DefaultRate is the usual limit, in lines a second.
	DefaultRate = 500
	// QueueBytes bounds the lines that wait to be written, those in the hands
	// of the writer included: 4 MiB, about 10,000 lines of JSON.
	QueueBytes = 4 << 20
)

// Options say what New builds.
type Options struct {
	// Output is "stdout", "stderr" or "file:PATH"; "off" or empty keeps no log.
	Output string
	// Format is "json", "logfmt" or "legacy"; empty is "json".
	Format string
	// Rate is how many lines are accepted a second on average, and at once
	// after a quiet second. 0 is no limit.
	Rate int
	// Wait lets Observe wait for the output instead of dropping lines that it
	// does not take as fast, until Hurry is called.
	Wait bool
	// Registerer takes the metrics of the log; nil keeps them private.
	Registerer prometheus.Registerer
	// Stdout and Stderr are the standard streams. The log never closes them.
	Stdout, Stderr io.Writer
	// Logger is told when writing begins to fail and when it works again; nil
	// is silent.
	Logger *slog.Logger
}

// Log is a deny log. It is safe for concurrent use. A nil *Log is a log that is
// off: its methods do nothing.
//
// Each refused flow ends in exactly one count: accepted, dropped by rate or
// dropped by queue. Of the accepted, each is written, lost in a failed write or
// waiting:
//
//	observed = records + dropped{rate} + dropped{queue}
//	records  = written + dropped{write} + queue_length
type Log struct {
	sink   string
	path   string // of a file output, else empty
	form   form
	logger *slog.Logger
	born   time.Time

	wake    chan struct{} // holds one token when the writer has something to look at
	closing chan struct{}
	done    chan struct{} // closed when the writer has ended

	mu     sync.Mutex
	bucket bucket
	queue  queue
	wait   bool       // for room in the queue
	room   *sync.Cond // tells of room, and of the end of waiting
	next   *output    // the output to turn to at queue.cut; nil for none
	// suppressed counts the lines dropped by rate that no summary has told yet.
	suppressed uint64
	counts     counts
	closed     bool
	abandoned  bool // the deadline of Close has passed

	// Below belongs to the writer.
	out     *output
	spare   []byte // a buffer to take lines with
	line    []byte // a buffer for summaries
	failure error  // of the last write
}

// New opens the output and starts the log. It returns nil when the output is
// off; a slip in the other options is one all the same. It fails on an output, format or rate that does not exist, a file that
// cannot be opened, and metrics that are registered already.
func New(o Options) (*Log, error) {
	f, err := parseForm(o.Format)
	if err != nil {
		return nil, err
	}
	if o.Rate < 0 {
		return nil, fmt.Errorf("deny log rate %d is below 0; give lines a second, or 0 for no limit", o.Rate)
	}
	if o.Output == Off || o.Output == "" {
		return nil, nil
	}
	sink, path, err := parseOutput(o.Output)
	if err != nil {
		return nil, err
	}
	out, err := openOutput(sink, path, o)
	if err != nil {
		return nil, err
	}
	l := &Log{
		sink: sink, path: path, form: f, out: out, logger: o.Logger, born: time.Now(),
		bucket: newBucket(o.Rate, time.Now()), queue: queue{limit: QueueBytes},
		wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
	}
	l.wait, l.room = o.Wait, sync.NewCond(&l.mu)
	if l.logger == nil {
		l.logger = slog.New(slog.DiscardHandler)
	}
	if o.Registerer != nil {
		if err := o.Registerer.Register(l); err != nil {
			return nil, errors.Join(fmt.Errorf("register the metrics of the deny log: %w", err), out.close())
		}
	}
	go l.run()
	return l, nil
}

// Observe accepts one line for each refused record. It does not keep the
// records. Unless the log waits, it never waits for the output: what does not fit
// is dropped and counted.
func (l *Log) Observe(source string, records []flow.Record) {
	if l == nil {
		return
	}
	for i := range records {
		if records[i].Rejected() {
			l.observe(source, records[i:])
			return
		}
	}
}

func (l *Log) observe(source string, records []flow.Record) {
	l.mu.Lock()
	l.bucket.fill(time.Now())
	accepted, suppressed := l.counts.records, l.suppressed
	for i := range records {
		if records[i].Rejected() {
			l.accept(source, &records[i])
		}
	}
	// The writer starts its clock at the first suppressed line and needs no
	// word of those that follow.
	wake := l.counts.records > accepted || suppressed == 0 && l.suppressed > 0
	l.mu.Unlock()
	if wake {
		l.rouse()
	}
}

// accept queues or drops one line. The caller holds the lock.
func (l *Log) accept(source string, r *flow.Record) {
	switch {
	case l.closed:
		l.counts.dropped[reasonQueue]++
	case !l.bucket.take():
		l.counts.dropped[reasonRate]++
		l.suppressed++
	case !l.add(source, r):
		l.counts.dropped[reasonQueue]++
	default:
		l.counts.records++
	}
}

// add queues a line, or says that it has no room. The caller holds the lock, which
// is let go while it waits.
func (l *Log) add(source string, r *flow.Record) bool {
	for !l.queue.add(l.form, source, r) {
		if !l.wait || l.closed || l.queue.lines == 0 { // then it never fits
			return false
		}
		l.rouse()
		l.room.Wait()
	}
	return true
}

func (l *Log) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
