package command

import (
	"cmp"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/doctor"
	"github.com/flowlog-exporter/flowlog-exporter/internal/permit"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
)

// s3Settings are what flags and environment say of the objects in S3.
type s3Settings struct {
	queueURL   string
	allow      list
	workers    int
	visibility time.Duration

	queue   source.Queue     // what the URL says
	allowed []source.Allowed // what allow says
}

func (s *s3Settings) options() []option {
	return []option{
		text(&s.queueURL, "s3.queue-url", "", "`URL` of the SQS queue that tells of new objects"),
		value(&s.allow, "s3.allow", "`bucket`, or bucket/prefix, that may be read; repeatable; else all buckets of the queue's account"),
		number(&s.workers, "s3.workers", 0, "objects read at the same time; 0 is one for each processor, at least 2"),
		duration(&s.visibility, "s3.visibility-timeout", 0, "how long messages are hidden, prolonged while in use; 0 is what the queue says"),
	}
}

// wanted reports whether there is a queue to read.
func (s *s3Settings) wanted() bool { return s.queueURL != "" }

// settle checks the settings.
func (s *s3Settings) settle() (err error) {
	switch {
	case !s.wanted() && len(s.allow) > 0:
		return wrongf("s3.allow", " is given without --s3.queue-url")
	case s.workers < 0:
		return wrongf("s3.workers", " %d is no number of objects", s.workers)
	case s.visibility != 0 && (s.visibility < time.Second || s.visibility > 12*time.Hour):
		return wrongf("s3.visibility-timeout", " %v is not within 1s and 12h, the bounds of SQS", s.visibility)
	case !s.wanted():
		return nil
	}
	if s.queue, err = source.ParseQueue(s.queueURL); err != nil {
		return wrongf("s3.queue-url", ": %v", err)
	}
	if s.queue.Account == "" && len(s.allow) == 0 {
		return wrongf("s3.queue-url", " does not say whose the queue is, so --s3.allow has to list the buckets that may be read")
	}
	s.allowed = nil
	for _, text := range s.allow {
		allowed, err := source.ParseAllowed(text)
		if err != nil {
			return wrongf("s3.allow", ": %v", err)
		}
		s.allowed = append(s.allowed, allowed)
	}
	return nil
}

// cloud takes the region that the queue's URL says, for queues may be in several.
func (s *s3Settings) cloud(general cloud.Options) (cloud.Options, bool) {
	general.Region = cmp.Or(s.queue.Region, general.Region)
	return general, true
}

func (s *s3Settings) needs(region string, all *permit.Needs) {
	all.Queues = append(all.Queues, permit.Queue{Region: region, Account: s.queue.Account, Name: s.queue.Name, Objects: s.places()})
}

// places are what may be read, as beginnings of the keys.
func (s *s3Settings) places() (places []permit.Place) {
	for _, allowed := range s.allowed {
		place := permit.Place{Bucket: allowed.Bucket}
		if allowed.Prefix != "" {
			place.Prefix = allowed.Prefix + "/"
		}
		places = append(places, place)
	}
	return places
}

func (s *s3Settings) links(name string, region *doctor.AWS) []doctor.Check {
	q := doctor.Queue{Input: name, URL: s.queueURL}
	for _, place := range s.places() {
		q.Prefixes = append(q.Prefixes, doctor.Prefix{Bucket: place.Bucket, Path: place.Prefix})
	}
	return region.Queue(q)
}

func (s *s3Settings) open(o opening) (*working, error) {
	in := &source.S3{
		Name: o.name, QueueURL: s.queueURL, AWS: o.aws, Handler: o.engine, Places: o.engine.ledger.Of(o.name), Commits: o.engine.ledger,
		Allow: s.allowed, Workers: s.workers, Visibility: s.visibility, Metrics: o.metrics, Logger: o.engine.log,
	}
	o.engine.ledger.Bound(in.Name, source.S3Remembered)
	return &working{input: in, ready: in.Ready}, nil
}
