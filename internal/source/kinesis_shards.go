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
		list, now, err := s.survey(ctx)
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
		s.admit(ctx, list, now)
		s.listed.Store(true)
		sleep(ctx, minListGap)
		select {
		case <-ctx.Done():
		case <-s.poke:
		case <-time.After(interval - minListGap):
		}
	}
}

// survey lists the shards of the stream that is read, and asks which that is.
// It is the same before and after it is listed.
func (s *stream) survey(ctx context.Context) (list []types.Shard, now look, err error) {
	if !s.settled {
		if now = s.after(ctx, s.watch.ticket(), 0); now.err != nil {
			return nil, now, now.err
		}
		s.identify(now.identity)
	}
	list, at, err := s.list(ctx)
	if err != nil {
		return nil, now, err
	}
	now = s.after(ctx, s.watch.ticket(), 0)
	if now.err == nil && s.identity.differs(now.identity) {
		s.fail(errReplaced)
		now.err = errReplaced
	}
	now.at = at
	return list, now, now.err
}

// wake asks for a listing soon.
func (s *stream) wake() {
	select {
	case s.poke <- struct{}{}:
	default: // one is asked for already
	}
}

// admit takes a complete listing: new shards are read, ended ones that the
// stream forgot are forgotten here too. No reader begins before it returns.
func (s *stream) admit(ctx context.Context, list []types.Shard, now look) {
	s.mu.Lock()
	defer s.mu.Unlock()
	present := make(map[string]bool, len(list))
	open := 0
	for _, item := range list {
		id := aws.ToString(item.ShardId)
		present[id] = true
		if !isClosed(item) {
			open++
		}
		if s.shards[id] == nil {
			s.add(ctx, id, parentsOf(item), s.begin(item, now))
		}
		s.shards[id].listed = true
		s.shards[id].gone.Store(false)
	}
	for id, sh := range s.shards {
		if sh.listed && !present[id] {
			s.forget(sh, now)
		}
	}
	if !s.admitted {
		s.admitted = true
		s.remember()
	}
	if s.WantShards > 0 && s.WantShards != open && !s.warned {
		s.warned = true
		s.log.Warn("the stream has another number of open shards than -shards says; all of them are read", "shards", s.WantShards, "open", open)
	}
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
			s.add(ctx, id, c.ParentShards, s.begin(types.Shard{ShardId: &id}, look{at: s.watch.now()}))
		}
	}
}

// add starts the reader of a shard, under the lock. Parents that are not known
// have left the stream with all their records; nobody waits for them.
func (s *stream) add(ctx context.Context, id string, parents []string, from position) {
	sh := &shard{stream: s, id: id, position: from, handled: from.after, noted: time.Now(), done: make(chan struct{})}
	s.shards[id] = sh
	if from.ended {
		sh.enter(closed)
		close(sh.done)
		return
	}
	for _, parent := range parents {
		if p := s.shards[parent]; p != nil {
			sh.parents = append(sh.parents, p.done)
		}
	}
	sh.enter(waiting)
	s.readers.Go(func() { sh.read(ctx) })
}

// forget drops a shard that a complete listing does not have any more, under
// the lock: an ended one as soon as nothing of it can be retained, another when
// it finds out itself.
func (s *stream) forget(sh *shard, now look) {
	select {
	case <-sh.done:
		sh.enter("")
		if now.retention > 0 && now.at.Sub(sh.position.seen) > now.retention {
			s.places.Pin(sh.id, "")
			delete(s.shards, sh.id)
		}
	default:
		sh.gone.Store(true)
	}
}
