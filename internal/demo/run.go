package demo

import (
	"context"
	"fmt"
	"math"
	"time"
)

const (
	// MaxRate is the most records a second that Run writes.
	MaxRate = 200_000
	// maxEvents is where an envelope is closed. A round may go a little beyond.
	maxEvents = 1000
	// demoDay is how long a day of the day curve lasts in a demo.
	demoDay = 10 * time.Minute
)

// Next writes at least n flow log records, by at most one round more, whose
// windows lie just before now, and returns them as envelopes of one interface
// each. The first call begins with a control message. Time counts from the first
// call; n bounds the memory that the answer takes.
func (v *VPC) Next(now time.Time, n int) []Envelope {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []Envelope
	v.now, v.written = now, 0
	if v.began.IsZero() {
		v.began = now
		out = append(out, v.control(now))
	}
	elapsed := now.Sub(v.began)
	v.busy = 1 + 0.6*math.Sin(2*math.Pi*elapsed.Seconds()/v.day.Seconds())
	for v.written < n {
		v.round(elapsed)
		out = v.close(out, maxEvents)
	}
	return v.close(out, 1)
}

// round writes a round: the first shows traffic in the VPC, and while an
// episode is on, up to a third of the others are the episode's.
func (v *VPC) round(elapsed time.Duration) {
	switch {
	case v.sequence == 0:
		v.callApplications()
	case v.rng.IntN(3) > 0 || !v.incident(elapsed):
		v.everyday()
	}
}

// close moves interfaces with at least least events into envelopes. It runs
// between rounds only: an envelope holds whole rounds.
func (v *VPC) close(out []Envelope, least int) []Envelope {
	still := v.open[:0]
	for _, f := range v.open {
		if len(f.events) < least {
			still = append(still, f)
			continue
		}
		out = append(out, v.flush(f))
	}
	v.open = still
	return out
}

// Run hands about rate records a second to put, as envelopes, until ctx ends;
// that is no error. The first are put at once. A machine or a put that is too
// slow gets fewer records, not a growing backlog. Data belongs to put.
func (v *VPC) Run(ctx context.Context, rate int, put func(key string, data []byte)) error {
	if rate < 1 || rate > MaxRate {
		return fmt.Errorf("cannot write %d records a second: choose a rate from 1 to %d", rate, MaxRate)
	}
	// About 500 records at a time give envelopes of a dozen events.
	interval := min(max(500*time.Second/time.Duration(rate), time.Second/10), time.Second)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	owed, last := float64(rate)*interval.Seconds(), time.Now()
	for {
		if owed >= 1 {
			for _, e := range v.Next(last, int(owed)) {
				put(e.Key, e.Data)
				owed -= float64(e.Records)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		now := time.Now()
		owed = min(owed+now.Sub(last).Seconds()*float64(rate), float64(rate))
		last = now
	}
}
