package command

import (
	"fmt"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/pipeline"
)

// instant is a flag that is a time, or a day, which begins at midnight UTC.
type instant struct{ time.Time }

// String implements flag.Value.
func (i *instant) String() string {
	if i.IsZero() {
		return ""
	}
	return i.Format(time.RFC3339Nano)
}

// Set implements flag.Value.
func (i *instant) Set(v string) error {
	if v == "" {
		i.Time = time.Time{}
		return nil
	}
	for _, form := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(form, v); err == nil && t.Unix() > 0 {
			i.Time = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("%q is no time: write a day as 2006-01-02, or a time as 2006-01-02T15:04:05Z", v)
}

// span is the time that records are counted of, by their end: from the first
// second up to the last one, which is out. 0 is no limit.
type span struct{ from, to int64 }

// spanOf returns the seconds between two times, zero for no limit.
func spanOf(from, to time.Time) (s span) {
	if !from.IsZero() {
		s.from = from.Add(time.Second - 1).Unix()
	}
	if !to.IsZero() {
		s.to = to.Add(time.Second - 1).Unix()
	}
	return s
}

// holds reports whether a record counts; one without an end does.
func (s span) holds(end int64) bool {
	return end == 0 || end >= s.from && (s.to == 0 || end < s.to)
}

// cut skips the records of a reader that lie outside of a span.
type cut struct {
	pipeline.Reader
	span  span
	block flowlog.Block // what is left of one of the reader
}

// Read implements pipeline.Reader.
func (c *cut) Read(body flow.Body, yield func(*flowlog.Block) error) error {
	return c.Reader.Read(body, func(b *flowlog.Block) error { return yield(c.cut(b)) })
}

// cut returns what is left of a block, which stays as it is: its reader counts on
// what it has written.
func (c *cut) cut(b *flowlog.Block) *flowlog.Block {
	all := true
	for i := range b.Records {
		all = all && c.span.holds(b.Records[i].End)
	}
	if all {
		return b
	}
	records := c.block.Records[:0]
	for i := range b.Records {
		if c.span.holds(b.Records[i].End) {
			records = append(records, b.Records[i])
		}
	}
	c.block = *b
	c.block.Records = records
	c.block.Skipped[flow.TooOld] += uint64(len(b.Records) - len(records))
	return &c.block
}
