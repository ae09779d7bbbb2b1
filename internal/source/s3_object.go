package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// objectStall is how long an object may give nothing.
const objectStall = 30 * time.Second

var (
	errStalled  = fmt.Errorf("S3 sent nothing for %v: %w", objectStall, context.DeadlineExceeded)
	errAnswered = errors.New("S3 answered with another part of the object than was asked for")
)

// getCall is the one method of the client that is called.
type getCall func(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)

// s3Object is the content of an object, all of one state of it. It is read from
// its beginning, or anywhere, or both. Read is for one goroutine; ReadAt and Size
// are safe for concurrent use.
type s3Object struct {
	notified
	ask   getCall
	owner string // of the bucket, when that is checked
	meter *meter
	bytes prometheus.Counter

	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  *time.Timer

	opening sync.Once
	body    io.ReadCloser
	size    int64
	read    int64
	blocks  blocks

	mu     sync.Mutex
	failed error // the first failure
}

func (r *s3Run) object(ctx context.Context, n notified) *s3Object {
	o := newObject(ctx, n, r.ask, r.meter, r.meter.bytes)
	if len(r.Allow) == 0 {
		o.owner = r.queueName.Account
	}
	return o
}

func newObject(ctx context.Context, n notified, ask getCall, meter *meter, bytes prometheus.Counter) *s3Object {
	o := &s3Object{notified: n, ask: ask, meter: meter, bytes: bytes}
	o.ctx, o.cancel = context.WithCancelCause(ctx)
	o.watch = time.AfterFunc(objectStall, func() { o.cancel(errStalled) })
	o.watch.Stop()
	o.blocks.fetch = o.fetch
	return o
}

// Read implements io.Reader.
func (o *s3Object) Read(p []byte) (n int, err error) {
	if err := o.open(); err != nil {
		return 0, err
	}
	o.watch.Reset(objectStall)
	n, err = o.body.Read(p)
	o.watch.Stop()
	o.read += int64(n)
	o.bytes.Add(float64(n))
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && o.read == o.size:
		return n, io.EOF
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return n, o.fail(err)
}

// Size is the length of the object in bytes, 0 when S3 does not give it.
func (o *s3Object) Size() int64 {
	if o.open() != nil {
		return 0
	}
	return o.size
}

// ReadAt implements io.ReaderAt.
func (o *s3Object) ReadAt(p []byte, off int64) (n int, err error) {
	if err := o.open(); err != nil {
		return 0, err
	}
	n, err = o.blocks.readAt(p, off, o.size)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, o.fail(err)
	}
	return n, err
}

// Close ends the requests.
func (o *s3Object) Close() {
	o.cancel(context.Canceled)
	o.watch.Stop()
	if o.body != nil {
		_ = o.body.Close() // what is not read any more can't fail
	}
}

// err is why reading failed, nil while it has not.
func (o *s3Object) err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}

func (o *s3Object) fail(err error) error {
	cause := context.Cause(o.ctx)
	if errors.Is(cause, errStalled) {
		err = cause
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		o.failed = err
		if !errors.Is(cause, context.Canceled) { // else nobody wants it any more
			o.meter.refused(getObject, cloud.Reason(err))
		}
	}
	return o.failed
}

// open asks for the object, once.
func (o *s3Object) open() error {
	o.opening.Do(func() {
		out, err := o.get(nil)
		if err == nil && out.ContentLength == nil {
			_ = out.Body.Close()
			err = errAnswered
		}
		if err != nil {
			_ = o.fail(err)
			return
		}
		o.body, o.size = out.Body, *out.ContentLength
		if tag := strings.Trim(aws.ToString(out.ETag), `"`); tag != "" {
			o.etag = tag // what is read later is of this state too
		}
	})
	return o.err()
}

// get asks for the object or a part of it, and only for that state of it that
// the notification tells of.
func (o *s3Object) get(span *string) (*s3.GetObjectOutput, error) {
	in := &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key, Range: span}
	if o.version != "" {
		in.VersionId = &o.version
	}
	if o.etag != "" {
		in.IfMatch = aws.String(`"` + o.etag + `"`)
	}
	if o.owner != "" {
		in.ExpectedBucketOwner = &o.owner
	}
	o.meter.requested(getObject)
	o.watch.Reset(objectStall)
	out, err := o.ask(o.ctx, in, func(options *s3.Options) {
		if o.region != "" {
			options.Region = o.region
		}
	})
	o.watch.Stop()
	return out, err
}

// fetch reads a part of the object.
func (o *s3Object) fetch(p []byte, off int64) error {
	last := off + int64(len(p)) - 1
	out, err := o.get(aws.String(fmt.Sprintf("bytes=%d-%d", off, last)))
	if err != nil {
		return err
	}
	defer out.Body.Close()
	if aws.ToString(out.ContentRange) != fmt.Sprintf("bytes %d-%d/%d", off, last, o.size) {
		return errAnswered
	}
	o.watch.Reset(objectStall)
	defer o.watch.Stop()
	n, err := io.ReadFull(out.Body, p)
	o.bytes.Add(float64(n))
	return err
}
