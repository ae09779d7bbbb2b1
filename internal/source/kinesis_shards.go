package source

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// minListGap keeps many shards that end together from causing as many listings.
const minListGap = time.Second

// discover lists the shards, now and again, until ctx ends.
func (s *stream) discover(ctx context.Context) {
	interval := orDefault(s.ListInterval, time.Minute)
	for failures := 0; ctx.Err() == nil; {
		list, at, err := s.list(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			failures++
			err = s.explainListing(ctx, err)
			s.unlisted.Store(&err)
			s.trouble.failed("", cloud.Reason(err), err)
			sleep(ctx, backOff(failures))
			continue
		}
		failures = 0
		s.trouble.worked("")
		s.admit(ctx, list, at)
		s.listed.Store(true)
		sleep(ctx, minListGap)
		select {
		case <-ctx.Done():
		case <-s.poke:
		case <-time.After(interval - minListGap):
		}
	}
}

// wake asks for a listing soon.
func (s *stream) wake() {
	select {
	case s.poke <- struct{}{}:
	default: // one is asked for already
	}
}

// admit takes a complete listing, made at the time at: new shards are read,
// ended ones that the stream forgot are no longer known here either.
func (s *stream) admit(ctx context.Context, list []types.Shard, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var from map[string]position
	var skip map[string]bool
	if !s.listed.Load() {
		from, skip = s.Start.plan(list, s.Places, at)
	}
	present := make(map[string]bool, len(list))
	open := 0
	for _, item := range list {
		id := aws.ToString(item.ShardId)
		present[id] = true
		if !isClosed(item) {
			open++
		}
		s.found(ctx, item, from[id], skip[id])
	}
	for id, sh := range s.shards {
		if sh.listed && !present[id] {
			s.forget(sh)
		}
	}
	if s.WantShards > 0 && s.WantShards != open && !s.warned {
		s.warned = true
		s.log.Warn("the stream has another number of open shards than -shards says; all of them are read", "shards", s.WantShards, "open", open)
	}
}

// found notes that a listing has a shard, under the lock. One that ended stays
// ended, also when listings are not of one mind about it; but when it begins
// elsewhere now, it is one of a stream that was created again.
func (s *stream) found(ctx context.Context, item types.Shard, from position, skip bool) {
	id, begin := aws.ToString(item.ShardId), ""
	if r := item.SequenceNumberRange; r != nil {
		begin = aws.ToString(r.StartingSequenceNumber)
	}
	sh := s.shards[id]
	if sh != nil && sh.ended() {
		last := sh.position.after
		if last == "" {
			last, _ = sh.begin.Load().(string)
		}
		switch {
		case last != "" && before(last, begin):
			sh.enter("")
			sh = nil
		case sh.state == "":
			sh.enter(closed)
		}
	}
	if sh == nil {
		sh = s.add(ctx, id, parentsOf(item), from, skip, begin)
	}
	sh.begin.Store(begin)
	sh.listed = true
	sh.gone.Store(false)
}

// admitChildren takes the shards that an ended one names as its children,
// before a listing knows them. A child with a parent that is not known has to
// wait for the listing, which brings both.
func (s *stream) admitChildren(ctx context.Context, children []types.ChildShard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range children {
		id, known := aws.ToString(c.ShardId), true
		for _, parent := range c.ParentShards {
			known = known && s.shards[parent] != nil
		}
		if s.shards[id] == nil && known {
			s.add(ctx, id, c.ParentShards, position{}, false, "")
		}
	}
}

// add starts the reader of a shard, under the lock. Parents that are not known
// have left the stream with all their records; nobody waits for them.
func (s *stream) add(ctx context.Context, id string, parents []string, from position, skip bool, begin string) *shard {
	sh := &shard{stream: s, id: id, position: from, done: make(chan struct{})}
	sh.begin.Store(begin)
	s.shards[id] = sh
	if after, ok := place(s.Places, id); ok {
		sh.position = position{after: after}
	}
	if skip {
		sh.enter(closed)
		close(sh.done)
		return sh
	}
	for _, parent := range parents {
		if p := s.shards[parent]; p != nil {
			sh.parents = append(sh.parents, p.done)
		}
	}
	sh.enter(waiting)
	s.readers.Go(func() { sh.read(ctx) })
	return sh
}

// forget takes a shard that a complete listing does not have any more out of
// the known ones, under the lock: an ended one at once, another when it finds
// out itself. That it was read is remembered, should a listing have it again.
func (s *stream) forget(sh *shard) {
	if sh.ended() {
		sh.enter("")
		return
	}
	sh.gone.Store(true)
}

// ended reports whether the shard is read to its end.
func (sh *shard) ended() bool {
	select {
	case <-sh.done:
		return true
	default:
		return false
	}
}
