package pipeline

import (
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
)

// sheet says what became of the records of one body, or of all bodies of a
// source. Always: records = counted + sum of skipped + unmatched.
type sheet struct {
	records, counted, unmatched, ambiguous uint64

	skipped  flow.Reasons
	failures [flow.NumStages]uint64
	delay    delays
	lastEnd  int64 // Unix seconds; 0 before the first record
}

// observe accounts for one placed block, at a time in Unix seconds.
func (s *sheet) observe(b *flowlog.Block, now int64) {
	s.records += uint64(len(b.Records)) + b.Skipped.Sum()
	for i, n := range b.Skipped {
		s.skipped[i] += n
	}
	for i, n := range b.Failures {
		s.failures[i] += n
	}
	for records := b.Records; len(records) > 0; {
		n := alike(records)
		s.place(&records[0], uint64(n), now)
		records = records[n:]
	}
}

// alike returns how many records are accounted for as the first one is: neighbours
// mostly are.
func alike(records []flow.Record) int {
	subnet, end, ambiguous := records[0].Subnet, records[0].End, records[0].Ambiguous
	for i := range records {
		if r := &records[i]; r.Subnet != subnet || r.End != end || r.Ambiguous != ambiguous {
			return i
		}
	}
	return len(records)
}

// place accounts for n records like r.
func (s *sheet) place(r *flow.Record, n uint64, now int64) {
	if r.Subnet == nil {
		s.unmatched += n
		return
	}
	s.counted += n
	if r.Ambiguous {
		s.ambiguous += n
	}
	if r.End == 0 {
		return
	}
	s.delay.observe(now-r.End, n)
	if r.End <= now+clockTolerance {
		s.lastEnd = max(s.lastEnd, r.End)
	}
}

// clockTolerance is by how many seconds the end of a capture window may lie in
// the future before it is taken for nonsense: AWS allows start and end to be up
// to 60 s off, and clocks differ.
const clockTolerance = 300

func (s *sheet) add(b *sheet) {
	s.records += b.records
	s.counted += b.counted
	s.unmatched += b.unmatched
	s.ambiguous += b.ambiguous
	for i, n := range b.skipped {
		s.skipped[i] += n
	}
	for i, n := range b.failures {
		s.failures[i] += n
	}
	s.delay.add(&b.delay)
	s.lastEnd = max(s.lastEnd, b.lastEnd)
}

// delayBounds are the upper bounds of the delay histogram in seconds. AWS
// delivers after about 5 minutes to CloudWatch Logs and 10 to S3; the top
// reaches 30 minutes.
var delayBounds = [...]int64{30, 60, 120, 180, 300, 450, 600, 900, 1200, 1500, 1800}

// delays is the histogram of seconds between the end of a capture window and
// its counting.
type delays struct {
	buckets [len(delayBounds) + 1]uint64 // not cumulative; the last is beyond all bounds
	sum     uint64
}

// delayStep divides all bounds, so that the bucket of a delay is looked up by
// its steps.
const delayStep = 30

// bucketOf is the bucket of a delay of so many steps.
var bucketOf = func() (buckets [1800/delayStep + 1]uint8) {
	i := uint8(0)
	for steps := range buckets {
		if int64(steps)*delayStep > delayBounds[i] {
			i++
		}
		buckets[steps] = i
	}
	return buckets
}()

// observe adds n equal delays; a window that ends in the future has none.
func (d *delays) observe(seconds int64, n uint64) {
	seconds = max(seconds, 0)
	bucket := len(delayBounds)
	if steps := (uint64(seconds) + delayStep - 1) / delayStep; steps < uint64(len(bucketOf)) {
		bucket = int(bucketOf[steps])
	}
	d.buckets[bucket] += n
	d.sum += n * uint64(seconds)
}

func (d *delays) add(b *delays) {
	for i, n := range b.buckets {
		d.buckets[i] += n
	}
	d.sum += b.sum
}
