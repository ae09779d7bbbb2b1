package flowlog

import (
	"bytes"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// documents reads the JSON documents that stand one behind the other in data,
// and returns how far it came. A document that is no envelope costs itself.
// Behind one that is no JSON nothing can be found any more: the rest is one
// failure, and ok is false. A last document that lacks its end is left alone
// when there is more to come.
func (r *Reader) documents(data []byte, more bool) (read int, ok bool, err error) {
	s := scanner{buf: data}
	for s.peek() != 0 || s.pos < len(data) {
		from := s.pos
		if done, err := r.fused(&s); err != nil {
			return from, false, err
		} else if done {
			continue
		}
		if !s.document(&r.doc, &r.scratch) {
			if more && s.short() {
				return from, true, nil
			}
			r.fail(flow.Envelope, data[from:])
			return from, false, nil
		}
		if err := r.document(&s, from); err != nil {
			return from, false, err
		}
	}
	return s.pos, true, nil
}

// document hands on the events of the document that s has just read.
func (r *Reader) document(s *scanner, from int) error {
	d := &r.doc
	if d.direct() {
		return r.directLine(d)
	}
	switch d.kind(&r.scratch) {
	case messageControl:
		r.block.Skipped[flow.Control] += uint64(d.total)
		return nil
	case messageForeign:
		r.fail(flow.Envelope, s.buf[from:s.pos])
		return nil
	}
	if r.delivered(d) {
		r.block.Skipped[flow.Duplicate] += uint64(d.total)
		return nil
	}
	if err := r.group(d); err != nil {
		return err
	}
	if d.total == len(d.events) {
		for i := range d.events {
			if err := r.event(&d.events[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return r.again(scanner{buf: s.buf, pos: d.array + 1})
}

// again walks over the events of a document that has too many to be listed.
func (r *Reader) again(s scanner) error {
	for first := true; ; first = false {
		if more, ok := s.next(']', first); !ok || !more {
			return nil
		}
		var e event
		s.event(&e, &r.scratch)
		if err := r.event(&e); err != nil {
			return err
		}
	}
}

// group notes what the events of a document have in common.
func (r *Reader) group(d *document) error {
	if d.coded() {
		// Records that wait in the block may point into names.
		if err := r.flush(); err != nil {
			return err
		}
		r.names = r.names[:0]
	}
	r.come(origin{
		logGroup:    d.logGroup.bytes(&r.names),
		accountID:   d.owner.bytes(&r.names),
		interfaceID: interfaceOf(d.logStream.bytes(&r.names)),
	})
	r.use(r.formats.For(r.before.from.logGroup))
	return nil
}

// interfaceOf returns the interface that a log stream is named after, as in
// eni-12345678-all; nil when it is not named so:
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html
func interfaceOf(logStream []byte) []byte {
	const prefix = "eni-"
	if !bytes.HasPrefix(logStream, []byte(prefix)) {
		return nil
	}
	n := len(prefix)
	for n < len(logStream) && hexDigit(logStream[n]) >= 0 {
		n++
	}
	if n == len(prefix) || n < len(logStream) && logStream[n] != '-' {
		return nil
	}
	return logStream[:n:n]
}

// event reads the line that a log event holds.
func (r *Reader) event(e *event) error {
	if len(e.message.raw) > 6*MaxLine { // no escape is longer than six bytes
		r.block.Skipped[flow.Malformed]++
		return nil
	}
	mark := len(r.scratch)
	line := bytes.TrimRight(e.message.bytes(&r.scratch), "\r\n")
	if word, _ := token(line); e.message.kind == kindObject || len(word) > 0 && word[0] == '{' {
		r.scratch = r.scratch[:mark]
		r.transformed()
		return nil
	}
	rec := r.next()
	result := r.set.Parse(line, rec)
	if result != Parsed {
		r.scratch = r.scratch[:mark]
	} else {
		rec.EventID = e.id.bytes(&r.scratch)
	}
	return r.settle(result, line)
}

// transformed counts an event that a transformer of CloudWatch Logs made JSON of.
func (r *Reader) transformed() {
	r.block.Skipped[flow.Format]++
	group := printable(r.before.from.logGroup, maxTold)
	if r.notices.once("transformed", group) {
		r.logger.Warn("log events hold JSON objects, not flow log lines: a log transformer (parseVPC) rewrites this log group; "+
			"subscribe to the original logs (applyOnTransformedLogs=false)", "log_group", group)
	}
}
