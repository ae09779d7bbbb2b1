package flowlog

import (
	"bytes"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// direct reports whether the document is a line as VPC delivers it to Firehose,
// {"message":"<line>"}, and not an envelope that lacks something:
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-firehose.html
func (d *document) direct() bool {
	return d.message.kind == kindString && d.messageType.kind == kindNone && d.array < 0
}

// directLine reads the line of such a document. It belongs to no log group.
func (r *Reader) directLine(d *document) error {
	if len(d.message.raw) > 6*MaxLine { // no escape is longer than six bytes
		r.block.Skipped[flow.Malformed]++
		return nil
	}
	r.come(origin{})
	r.use(r.formats.For(nil))
	mark := len(r.scratch)
	line := bytes.TrimRight(d.message.bytes(&r.scratch), "\r\n")
	result := r.set.Parse(line, r.next())
	if result != Parsed {
		r.scratch = r.scratch[:mark]
	}
	return r.settle(result, line)
}
