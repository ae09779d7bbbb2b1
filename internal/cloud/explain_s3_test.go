package cloud

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
)

// TestExplainObjectsAndQueues: what S3 and SQS refuse has a reason and a remedy.
func TestExplainObjectsAndQueues(t *testing.T) {
	about := Subject{Queue: "https://sqs.eu-west-1.amazonaws.com/1/q", Resource: "arn:aws:s3:::b/k", Region: "eu-west-1"}
	for _, c := range []struct{ service, operation, code, reason, says string }{
		{"SQS", "ReceiveMessage", "QueueDoesNotExist", NotFound, "there is no queue https://sqs.eu-west-1.amazonaws.com/1/q in region eu-west-1"},
		{"SQS", "ReceiveMessage", "AWS.SimpleQueueService.NonExistentQueue", NotFound, "there is no queue"},
		{"SQS", "DeleteMessageBatch", "AccessDenied", Denied, `"Action": "sqs:DeleteMessage"`},
		{"SQS", "ReceiveMessage", "OverLimit", Throttled, "OverLimit"},
		{"S3", "GetObject", "AccessDenied", Denied, `{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"}`},
		{"S3", "GetObject", "NoSuchBucket", NotFound, "there is no bucket of arn:aws:s3:::b/k"},
		{"S3", "GetObject", "PermanentRedirect", Other, "is in another region than eu-west-1"},
		{"S3", "GetObject", "NoSuchKey", NotFound, "NoSuchKey"},
		{"S3", "GetObject", "SlowDown", Throttled, "SlowDown"},
	} {
		t.Run(c.service+" "+c.code, func(t *testing.T) {
			err := &smithy.OperationError{ServiceID: c.service, OperationName: c.operation, Err: &smithy.GenericAPIError{Code: c.code, Message: "no"}}
			if got := Reason(err); got != c.reason {
				t.Errorf("reason %s, want %s", got, c.reason)
			}
			if got := fmt.Sprint(Explain(err, about)); !strings.Contains(got, c.says) {
				t.Errorf("got %s, want %s", got, c.says)
			}
			if got := IsDenial(c.code); got != (c.reason == Denied) {
				t.Errorf("is a denial: %t", got)
			}
		})
	}
}

// TestExplainQuotedResource: S3 puts quotes around the ARN, which belong to no policy.
func TestExplainQuotedResource(t *testing.T) {
	err := &smithy.OperationError{ServiceID: "S3", OperationName: "GetObject", Err: &smithy.GenericAPIError{
		Code: "AccessDenied", Message: `User: arn:aws:iam::123456789012:user/u is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k" because no identity-based policy allows the s3:GetObject action`,
	}}
	want := `AWS denied s3:GetObject on arn:aws:s3:::b/k. Add to the policy: {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"}`
	if got := fmt.Sprint(Explain(err)); got != want {
		t.Errorf("got %s", got)
	}
}
