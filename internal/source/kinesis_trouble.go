package source

import (
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

const (
	// remindAfter is how long a failure that goes on is kept out of the log.
	remindAfter = 10 * time.Minute
	// patience is how many times in a row a shard may be throttled before it
	// is worth a line: now and then it is normal.
	patience = 3
)

// trouble makes few log lines of many failures: one when a reason turns up, a
// reminder from time to time, and one when all is well again. Safe for
// concurrent use.
type trouble struct {
	log *slog.Logger
	up  prometheus.Gauge

	mu    sync.Mutex
	parts map[string]failing   // what fails now: shards by id, the listing as ""
	said  map[string]time.Time // when a reason was last told
	began map[string]time.Time // when a reason turned up
	gaps  time.Time            // when a gap was last told
}

type failing struct {
	reason string
	times  int
}

// failed notes that a call for a part of the stream failed, for a reason.
func (t *trouble) failed(part, reason string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.up.Set(0)
	if t.parts == nil {
		t.parts, t.said, t.began = make(map[string]failing), make(map[string]time.Time), make(map[string]time.Time)
	}
	now := time.Now()
	p := failing{reason, t.parts[part].times + 1}
	t.parts[part] = p
	if t.began[reason].IsZero() {
		t.began[reason] = now
	}
	if said, ok := t.said[reason]; ok && now.Sub(said) < remindAfter || reason == cloud.Throttled && p.times < patience {
		return
	}
	t.said[reason] = now
	t.log.Warn("reading Kinesis fails, trying again", "reason", reason, "shard", part, "failing", len(t.parts), "err", err)
}

// gap tells that a shard goes on at its oldest record; many shards at once are
// one line.
func (t *trouble) gap(shard string, gap, retention time.Duration, refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.gaps.IsZero() && time.Since(t.gaps) < remindAfter {
		return
	}
	t.gaps = time.Now()
	t.log.Error("the place in a shard is older than what the stream retains: reading on at the oldest record; what lies between is lost",
		"shard", shard, "gap", gap.Round(time.Second), "retention", retention, "refused", refused)
}

// worked notes that a call for the part succeeded.
func (t *trouble) worked(part string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.parts, part)
	if len(t.parts) > 0 {
		return
	}
	t.up.Set(1)
	if len(t.said) > 0 {
		t.log.Info("reading Kinesis works again")
	}
	clear(t.said)
	clear(t.began)
}

// since returns when a reason turned up, the zero time when it is new.
func (t *trouble) since(reason string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.began[reason]
}
