package source

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// identify settles which stream is read, and whether its places are known.
// Places of another stream are void.
func (s *stream) identify(now identity) {
	s.settled, s.identity, s.start = true, now, s.Start
	text, pinned := s.places.Place(identityPartition)
	before := decodeIdentity(text)
	s.known = pinned && !before.differs(now)
	switch {
	case s.known || !pinned:
	case before.arn == now.arn:
		s.start = Start{TrimHorizon: true}
		s.meter.resets.Inc()
		s.log.Error("the stream was deleted and made anew: its places are void, reading it from its oldest record",
			"created", now.created.UTC(), "before", before.created.UTC())
	default:
		s.log.Warn("the places are those of another stream and void: reading this one as new", "start", s.Start.String(), "before", before.arn)
	}
}

// remember pins which stream the places are of, once all its shards have one.
func (s *stream) remember() {
	_, pinned := s.places.Place(identityPartition)
	if pinned && s.identity.mark() == "" {
		return // what was known before is better
	}
	s.places.Pin(identityPartition, s.identity.encode())
	s.known = true
}

// begin returns where the shard of a listing is read from: behind its place,
// else where it begins. That is pinned before the first record is read, so that
// a crash before it changes nothing.
func (s *stream) begin(item types.Shard, now look) position {
	id := aws.ToString(item.ShardId)
	if p, ok := s.place(id); ok {
		return p
	}
	// A shard that is younger than the places begins at its oldest record.
	p := position{seen: now.at}
	if !s.known {
		p = s.start.position(item, now.at)
	}
	s.pin(id, p)
	return p
}

// place returns what is remembered of a shard of this stream.
func (s *stream) place(id string) (position, bool) {
	text, ok := s.places.Place(id)
	if !ok {
		return position{}, false
	}
	p, mark, ok := decodePosition(text)
	if own := s.identity.mark(); own != "" && mark != "" && own != mark {
		return position{}, false
	}
	if !ok {
		s.log.Error("the place of a shard can't be read: reading the shard as new", "shard", id)
	}
	return p, ok
}

func (s *stream) pin(id string, p position) {
	s.places.Pin(id, p.encode(s.identity.mark()))
}

// pins are Places for one run: nothing but what is pinned.
type pins struct{ m sync.Map }

// Place implements Places.
func (p *pins) Place(partition string) (string, bool) {
	v, _ := p.m.Load(partition)
	position, ok := v.(string)
	return position, ok
}

// Pin implements Places.
func (p *pins) Pin(partition, position string) {
	if position == "" {
		p.m.Delete(partition)
		return
	}
	p.m.Store(partition, position)
}
