package command

import (
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
)

// s3Settings are what flags and environment say of the objects in S3.
type s3Settings struct {
	queueURL   string
	allow      list
	workers    int
	visibility time.Duration

	queue source.Queue // what the URL says
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
		return usagef("--s3.allow is given without --s3.queue-url")
	case s.workers < 0:
		return usagef("--s3.workers %d is no number of objects", s.workers)
	case s.visibility != 0 && (s.visibility < time.Second || s.visibility > 12*time.Hour):
		return usagef("--s3.visibility-timeout %v is not within 1s and 12h, the bounds of SQS", s.visibility)
	case !s.wanted():
		return nil
	}
	if s.queue, err = source.ParseQueue(s.queueURL); err != nil {
		return usagef("--s3.queue-url: %w", err)
	}
	if s.queue.Account == "" && len(s.allow) == 0 {
		return usagef("--s3.queue-url does not say whose the queue is, so --s3.allow has to list the buckets that may be read")
	}
	return nil
}

// s3Source returns the source that reads the objects.
func (s *settings) s3Source(o *outside, e *engine, metrics *source.Metrics) (*source.S3, error) {
	in := &source.S3{
		Name: "s3", QueueURL: s.s3.queueURL, AWS: o.aws, Handler: e, Places: e.ledger.Of("s3"), Commits: e.ledger,
		Workers: s.s3.workers, Visibility: s.s3.visibility, Metrics: metrics, Logger: e.log,
	}
	for _, text := range s.s3.allow {
		allowed, err := source.ParseAllowed(text)
		if err != nil {
			return nil, usagef("--s3.allow: %w", err)
		}
		in.Allow = append(in.Allow, allowed)
	}
	e.ledger.Bound(in.Name, source.S3Remembered)
	return in, nil
}
