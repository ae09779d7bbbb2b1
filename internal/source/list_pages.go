package source

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

const listObjects operation = "list_objects"

// errListing is an answer that leads nowhere.
var errListing = errors.New("the listing does not go on: something between here and S3 altered it")

// listing lists what one path means.
type listing struct {
	*archiveRun
	bucket           string
	objects, outside int // that are to be read; that are outside of the time
}

// below lists what is below a prefix: at once, or from folder to folder as long as
// days can be left out.
func (l *listing) below(ctx context.Context, prefix string) error {
	in := &s3.ListObjectsV2Input{Bucket: &l.bucket, Prefix: &prefix}
	if (!l.From.IsZero() || !l.To.IsZero()) && !periodOf(prefix).day {
		in.Delimiter = aws.String("/")
	}
	for {
		out, err := l.page(ctx, in)
		if err != nil {
			return err
		}
		for i := range out.Contents {
			if err := l.object(ctx, &out.Contents[i]); err != nil {
				return err
			}
		}
		for i := range out.CommonPrefixes {
			if err := l.folder(ctx, aws.ToString(out.CommonPrefixes[i].Prefix), prefix); err != nil {
				return err
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		if next := aws.ToString(out.NextContinuationToken); next == "" || next == aws.ToString(in.ContinuationToken) {
			return errListing
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

func (l *listing) page(ctx context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	l.meter.requested(listObjects)
	out, err := l.list(ctx, in)
	if err != nil {
		l.meter.refused(listObjects, cloud.Reason(err))
	}
	return out, err
}

// folder lists a folder, unless nothing in it is wanted.
func (l *listing) folder(ctx context.Context, folder, above string) error {
	service := notified{key: folder + "object", created: true} // whatever it holds
	switch {
	case len(folder) <= len(above) || !strings.HasPrefix(folder, above):
		return errListing
	case isService(folder) && service.foreign():
		return nil
	case !periodOf(folder).meets(l.From, l.To):
		l.outside++
		return nil
	}
	return l.below(ctx, folder)
}

// object hands an object over to who reads.
func (l *listing) object(ctx context.Context, o *types.Object) error {
	n := notified{bucket: l.bucket, key: aws.ToString(o.Key), etag: strings.Trim(aws.ToString(o.ETag), `"`), created: true}
	if n.foreign() {
		return nil
	}
	if !periodOf(n.key).meets(l.From, l.To) {
		l.outside++
		return nil
	}
	l.objects++
	l.total.Add(aws.ToInt64(o.Size))
	select {
	case l.found <- n:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
