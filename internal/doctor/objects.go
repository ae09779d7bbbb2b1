package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// Prefix is a bucket, or the part of it whose keys begin with Path.
type Prefix struct{ Bucket, Path string }

// Queue is an SQS queue that tells of objects.
type Queue struct {
	// Input is the input that reads it, where there are several; else empty.
	Input string
	URL   string
	// Prefixes are the buckets, or parts of them, that may be read.
	Prefixes []Prefix
}

// Queue returns the checks of a queue of the region, and of its buckets.
func (a *AWS) Queue(q Queue) []Check {
	needs := []string{key(identityCheck, a.Of)}
	checks := []Check{{Name: "queue", Of: q.Input, Needs: needs, Ask: func(ctx context.Context) Finding { return a.queue(ctx, q.URL) }}}
	for _, p := range q.Prefixes {
		checks = append(checks, Check{Name: "bucket", Of: q.Input, Needs: needs, Ask: func(ctx context.Context) Finding { return a.bucket(ctx, p) }})
	}
	if len(q.Prefixes) == 0 {
		checks = append(checks, Check{Name: "bucket", Of: q.Input, Ask: func(context.Context) Finding {
			return Skipped("only messages name the buckets; --s3.allow lets them be asked before")
		}})
	}
	return checks
}

func (a *AWS) queue(ctx context.Context, url string) Finding {
	out, err := sqs.NewFromConfig(a.Config).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url,
		AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameVisibilityTimeout, types.QueueAttributeNameRedrivePolicy,
		},
	})
	if err != nil {
		return a.refused(err, cloud.Subject{Queue: url})
	}
	value := func(name types.QueueAttributeName) string { return out.Attributes[string(name)] }
	var redrive struct{ DeadLetterTargetArn string }
	_ = json.Unmarshal([]byte(value(types.QueueAttributeNameRedrivePolicy)), &redrive) // empty is none
	dead := "no dead-letter queue: what can't be read comes again until the retention ends"
	if redrive.DeadLetterTargetArn != "" {
		dead = "dead letters go to " + redrive.DeadLetterTargetArn
	}
	return Passed("about %s messages wait, hidden for %s s while read; %s", value(types.QueueAttributeNameApproximateNumberOfMessages),
		value(types.QueueAttributeNameVisibilityTimeout), dead)
}

// absent is the name of an object that is not there. What S3 says of it tells
// whether it might be read.
const absent = "flowlog-exporter-doctor-asks-for-nothing"

func (a *AWS) bucket(ctx context.Context, p Prefix) Finding {
	client := s3.NewFromConfig(a.Config, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil
		o.DisableS3ExpressSessionAuth = aws.Bool(true)
	})
	name := p.Bucket + "/" + p.Path
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &p.Bucket, Key: aws.String(p.Path + absent)})
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(out.Body, 1)) // somebody has put it there
		out.Body.Close()
		return Passed("%s may be read", name)
	}
	var api smithy.APIError
	switch {
	case !errors.As(err, &api):
	case api.ErrorCode() == "NoSuchKey":
		return Passed("%s may be read", name)
	case cloud.IsDenial(api.ErrorCode()) && strings.Contains(api.ErrorMessage(), "perform: s3:ListBucket"):
		return Skipped("%s may be read, but without s3:ListBucket what is gone is taken for denied, and its message stays", name)
	}
	f := a.refused(err, cloud.Subject{Resource: "arn:aws:s3:::" + name + "*"})
	f.text = strings.ReplaceAll(f.text, absent, "*") // what a policy has to allow
	return f
}
