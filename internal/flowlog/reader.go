// Package flowlog reads flow logs: bytes as AWS delivers them -> flow records.
package flowlog

import (
	"fmt"
	"log/slog"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// BlockRecords is how many records a block holds at most.
const BlockRecords = 1024

// Block is a part of a body, decoded. It is valid during the call that hands
// it over, as are the texts of its records.
type Block struct {
	// Records are the lines that tell of traffic: log-status OK, or none in
	// their format. At most BlockRecords.
	Records []flow.Record
	// Skipped counts the lines and log events that did not become records.
	// Header lines and empty lines of text are neither.
	Skipped flow.Reasons
	// Failures counts the messages and documents that could not be decoded.
	Failures [flow.NumStages]uint64
	// Void says that the blocks of the body before this one do not count: the
	// body turned out to be damaged, and is one that counts whole or not at all.
	Void bool
}

// empty reports whether there is nothing to hand over.
func (b *Block) empty() bool {
	return len(b.Records) == 0 && b.Skipped.Sum() == 0 && b.Failures == [flow.NumStages]uint64{}
}

// Options says how to read. The zero value is ready to use.
type Options struct {
	// MaxInflated is how many bytes one message may have when it is
	// decompressed, and how many one JSON document of a stream; 0 is 64 MiB.
	// The text of a stream is not limited. Beyond RatioFrom, MaxRatio holds
	// as well, for messages and streams.
	MaxInflated int64
	// Formats knows the formats of lines without a header; nil is Default.
	Formats Formats
	// Logger hears of data that cannot be read; nil is silence.
	Logger *slog.Logger
	// Notices keeps Logger from being flooded. All readers of a process
	// share one; nil makes one for this reader.
	Notices *Notices
	// Deliveries recognises what CloudWatch Logs delivers again; nil takes
	// every delivery for a new one. It belongs to this reader's worker.
	Deliveries Deliveries
}

// Reader reads bodies. It uses its buffers again and is not safe for
// concurrent use: each worker has its own.
type Reader struct {
	max     int64
	formats Formats
	logger  *slog.Logger
	notices *Notices
	known   Deliveries
	window  int // of a stream of text, in bytes

	inflate inflater
	stream  stream
	doc     document
	header  header
	scratch []byte // unescaped texts of the records in the block
	names   []byte // unescaped texts of the document

	block   Block
	written written
	before  before
	yield   func(*Block) error
	set     *Set // the formats of the lines being read
	begun   bool // the first line of a text was seen
}

// written says which places of the block, from one on and up to another, hold nothing
// but what the plan of a format has written there: it may write over them.
type written struct {
	by       *Format
	from, to int
}

// origin is what the surroundings of a line say about it.
type origin struct{ logGroup, accountID, interfaceID []byte }

// NewReader returns a reader.
func NewReader(o Options) *Reader {
	r := &Reader{max: o.MaxInflated, formats: o.Formats, logger: o.Logger, notices: o.Notices, known: o.Deliveries, window: 128 << 10}
	if r.max <= 0 {
		r.max = 64 << 20
	}
	if r.formats == nil {
		r.formats = Fixed()
	}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	if r.notices == nil {
		r.notices = &Notices{}
	}
	return r
}

// Read decodes a body and hands it over in blocks, in the order of the body.
// Data that cannot be read is counted in the blocks and is no error: Read
// returns what yield returned, which ends the reading, or an error of
// body.Stream; blocks that were handed over before stay valid in what was done
// with them. A body without content calls yield not at all.
//
// Body.Data is one message: a subscription envelope or text, plain or
// compressed by gzip or zstd, also in base64, or a record of the Kinesis
// Producer Library with many messages inside. A message that cannot be
// decompressed counts for nothing but its failure. Body.Batch is many such
// messages. Documents with a line of a flow log as their "message" are read
// where envelopes are. Body.Stream is text or
// envelopes of any size, plain or compressed; of a stream that breaks off, what
// came before counts. A stream may also be Parquet, which counts whole or not at
// all: of one that is damaged the last block is Void and has the failure.
//
// Envelopes may follow each other. None of the events of an envelope counts
// before all of it was checked; keys may come in any order and be nested 64
// levels deep, and of equal keys the last counts. A line of text that names
// fields is a header and sets the format of the lines that follow in the body.
func (r *Reader) Read(body flow.Body, yield func(*Block) error) error {
	r.yield = yield
	r.reset()
	defer r.release()
	var err error
	switch {
	case body.Stream != nil:
		if err = r.object(body.Stream); err != nil {
			err = fmt.Errorf("%s %s: %w", body.Source, printable(body.Place.Partition, maxTold), err)
		}
	case body.Batch != nil:
		err = r.batch(body.Batch)
	default:
		err = r.record(body.Data)
	}
	if err != nil {
		return err
	}
	return r.flush()
}

// flush hands the block over and begins a new one.
func (r *Reader) flush() error {
	defer r.reset()
	if r.block.empty() {
		return nil
	}
	return r.yield(&r.block)
}

// reset empties the block.
func (r *Reader) reset() {
	r.block = Block{Records: r.block.Records[:0]}
	r.scratch = r.scratch[:0]
	r.before.format, r.before.roster.used = nil, 0
}

// release forgets the body and what it has blown up.
func (r *Reader) release() {
	r.yield, r.set = nil, nil
	r.come(origin{})
	blown := r.inflate.trim()
	blown = r.stream.trim() || blown
	if cap(r.scratch) > keep {
		r.scratch, blown = nil, true
	}
	if cap(r.names) > keep {
		r.names, blown = nil, true
	}
	if blown { // old events and records are views that would keep it alive
		r.doc, r.block.Records, r.written, r.before = document{}, nil, written{}, before{addrs: r.before.addrs}
	}
}

// next returns the place of the next record in the block, which may hold
// anything. The record joins the block for good in settle.
func (r *Reader) next() *flow.Record {
	r.written.by = nil
	rec := r.free()
	rec.Names = r.before.roster.spare()
	return rec
}

// free returns the place of the next record in the block.
func (r *Reader) free() *flow.Record {
	n := len(r.block.Records)
	if n == cap(r.block.Records) {
		grown := make([]flow.Record, n, min(max(2*n, 256), BlockRecords))
		copy(grown, r.block.Records)
		r.block.Records = grown
	}
	return &r.block.Records[:n+1][n]
}

// settle counts the line that was parsed into next.
func (r *Reader) settle(result Result, line []byte) error {
	if result != Parsed {
		r.block.Skipped[result.Reason()]++
		if result == Mismatch {
			r.mismatch(line)
		}
		return nil
	}
	n := len(r.block.Records)
	r.block.Records = r.block.Records[:n+1]
	r.before.roster.used++
	r.before.from.complete(r.block.Records[n].Names)
	return r.flushFull()
}

// come notes what surrounds the lines to come.
func (r *Reader) come(from origin) {
	r.before.from, r.before.changed = from, true
}

// complete gives names what their surroundings say and their line does not.
func (o *origin) complete(names *flow.Names) {
	if names.InterfaceID == nil {
		names.InterfaceID = o.interfaceID
	}
	if names.AccountID == nil {
		names.AccountID = o.accountID
	}
}

// flushFull hands the block over when it is full.
func (r *Reader) flushFull() error {
	if len(r.block.Records) == BlockRecords {
		return r.flush()
	}
	return nil
}

// use takes the formats for the lines to come.
func (r *Reader) use(s *Set) {
	r.set = s
	for _, f := range s.formats {
		if len(f.unknown) > 0 && r.notices.once("format", f.text) {
			r.logger.Warn("the flow log format has fields that this version does not know; their columns are skipped",
				"fields", f.unknown, "format", f.text)
		}
	}
}
