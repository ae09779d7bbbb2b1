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

func (a *AWS) queueChecks() []Check {
	if a.Queue == "" {
		return nil
	}
	checks := []Check{{"queue", []string{identityCheck}, a.queue}}
	for _, p := range a.Prefixes {
		checks = append(checks, Check{"bucket", []string{identityCheck}, func(ctx context.Context) Finding { return a.bucket(ctx, p) }})
	}
	if len(a.Prefixes) == 0 {
		checks = append(checks, Check{"bucket", nil, func(context.Context) Finding {
			return Skipped("only messages name the buckets; --s3.allow lets them be asked before")
		}})
	}
	return checks
}

func (a *AWS) queue(ctx context.Context) Finding {
	out, err := sqs.NewFromConfig(a.config).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &a.Queue,
		AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameVisibilityTimeout, types.QueueAttributeNameRedrivePolicy,
		},
	})
	if err != nil {
		return a.refused(err, cloud.Subject{Queue: a.Queue})
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
	client := s3.NewFromConfig(a.config, func(o *s3.Options) {
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
