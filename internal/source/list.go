package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Archive reads the objects that are in a bucket, each once. Set the fields, then
// call Run once.
type Archive struct {
	// Name is the value of the source label.
	Name string
	// Paths are s3://BUCKET/PREFIX each.
	Paths []string
	// From and To cut by the time that paths and names of objects tell: what
	// lies an hour or more outside of them is neither read nor, by the day,
	// listed. A zero time is no limit. Records are not looked at.
	From, To time.Time
	// AWS is the configuration of the client.
	AWS aws.Config
	// Handler takes each object as one stream that can be read anywhere too,
	// Parallel of them at the same time; 0 is one.
	Handler  Handler
	Parallel int
	// Progress, when set, is told after each read how far all objects that are
	// listed so far are: bytes done of total. All who read call it.
	Progress func(done, total int64)
	// Metrics are kept up to date; nil keeps none.
	Metrics *Metrics
	// Logger is told of the objects; nil is slog.Default.
	Logger *slog.Logger
}

// maxListed is how many objects are listed ahead of those that are read.
const maxListed = 16_384

// IsS3 reports whether a path means objects in S3.
func IsS3(path string) bool { return strings.HasPrefix(path, "s3://") }

// SplitS3 splits s3://BUCKET/PREFIX. Its error is that of CheckS3.
func SplitS3(path string) (bucket, prefix string, err error) {
	bucket, prefix, _ = strings.Cut(strings.TrimPrefix(path, "s3://"), "/")
	if !IsS3(path) || !isBucket(bucket) || len(prefix) > maxKey {
		return "", "", fmt.Errorf("%.200q names no objects; write it as s3://BUCKET/PREFIX", path)
	}
	return bucket, prefix, nil
}

// CheckS3 returns the error of a path that names no objects. It asks nobody.
func CheckS3(path string) error {
	_, _, err := SplitS3(path)
	return err
}

// archiveRun is one run of an Archive.
type archiveRun struct {
	*Archive
	list   listCall
	ask    getCall
	meter  *meter
	log    *slog.Logger
	found  chan notified
	failed failures

	done, total atomic.Int64
}

// listCall is the other method of the client that is called.
type listCall func(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)

// Run lists and reads. An object that can't be read does not stop the others; the
// error names each of them. When ctx ends, the objects in hand are dropped,
// uncounted, and Run returns nil. A path without any object is an error.
func (a *Archive) Run(ctx context.Context) error {
	client := s3.NewFromConfig(a.AWS, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil
		o.DisableS3ExpressSessionAuth = aws.Bool(true)
	})
	r := &archiveRun{
		Archive: a, list: client.ListObjectsV2, ask: client.GetObject, meter: a.Metrics.meter(a.Name), log: a.Logger,
		found: make(chan notified, maxListed),
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	r.meter.up.Set(1)
	var workers sync.WaitGroup
	for range max(1, a.Parallel) {
		workers.Go(func() {
			for n := range r.found {
				if ctx.Err() == nil {
					r.read(ctx, n)
				}
			}
		})
	}
	for _, path := range a.Paths {
		if err := r.path(ctx, path); err != nil {
			r.meter.up.Set(0)
			r.failed.add(err)
		}
	}
	close(r.found)
	workers.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return r.failed.err()
}

var errNothing = errors.New("no object of flow logs is there")

// path lists what one path means.
func (r *archiveRun) path(ctx context.Context, path string) error {
	bucket, prefix, err := SplitS3(path)
	if err != nil {
		return err
	}
	l := &listing{archiveRun: r, bucket: bucket}
	err = l.below(ctx, prefix)
	switch {
	case err != nil:
		err = cloud.Explain(err, cloud.Subject{Resource: "arn:aws:s3:::" + bucket, Region: r.AWS.Region})
	case l.objects == 0 && l.outside > 0:
		err = fmt.Errorf("%w between %v and %v", errNothing, limit(r.From), limit(r.To))
	case l.objects == 0:
		err = errNothing
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func limit(t time.Time) string {
	if t.IsZero() {
		return "any time"
	}
	return t.UTC().Format(time.RFC3339)
}

// read lets the handler read one object.
func (r *archiveRun) read(ctx context.Context, n notified) {
	r.log.Debug("reading object", "bucket", n.bucket, "key", n.key)
	bytes := &progress{Counter: r.meter.bytes, run: r}
	o := newObject(ctx, n, r.ask, r.meter, bytes)
	defer o.Close()
	err := r.Handler.Handle(ctx, flow.Body{Source: r.Name, Stream: o})
	switch {
	case ctx.Err() != nil:
	case err == nil:
		r.meter.messages.Inc()
		r.meter.success.SetToCurrentTime()
	default:
		r.meter.up.Set(0)
		err = cloud.Explain(err, cloud.Subject{Resource: "arn:aws:s3:::" + n.bucket + "/" + n.key, Region: r.AWS.Region})
		r.failed.add(fmt.Errorf("s3://%s/%s: %w", n.bucket, n.key, err))
	}
}

// progress is the counter of bytes that tells of them too.
type progress struct {
	prometheus.Counter
	run *archiveRun
}

// Add implements prometheus.Counter.
func (p *progress) Add(n float64) {
	p.Counter.Add(n)
	if done := p.run.done.Add(int64(n)); p.run.Progress != nil {
		p.run.Progress(done, p.run.total.Load())
	}
}
