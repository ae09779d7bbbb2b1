package source

import (
	"time"
)

const (
	// gapSlack is how far over the retention period a place may be: AWS does
	// not trim to the second.
	gapSlack = time.Minute
	// noteAfter is how long nothing may come from a shard until it is pinned that
	// nothing was missed: an idle shard has no gap, however old its last record.
	noteAfter = time.Hour
)

// gap is how much of what is behind the position the stream retains no more.
func (sh *shard) gap(now look) time.Duration {
	if now.retention == 0 || sh.position.seen.IsZero() {
		return 0
	}
	return max(0, now.at.Add(-now.retention).Sub(sh.position.seen))
}

// giveUp moves the position to the oldest record, for AWS does not accept it
// or no longer has what is behind it.
func (sh *shard) giveUp(now look, gap time.Duration, refused bool) {
	sh.meter.gaps.Add(gap.Seconds())
	if now.identity.mark() == "" {
		sh.handled = "" // it may be of another stream
	}
	sh.trouble.gap(sh.id, gap, now.retention, refused)
	sh.position = position{seen: sh.position.seen.Add(gap)}
	sh.note()
}

// idle notes that at the time now there was nothing to read.
func (sh *shard) idle(now time.Time) {
	sh.position.seen = now
	if time.Since(sh.noted) >= noteAfter {
		sh.note()
	}
}

// note pins the position.
func (sh *shard) note() {
	sh.pin(sh.id, sh.position)
	sh.noted = time.Now()
}
