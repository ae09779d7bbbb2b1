// Package permit writes the least privilege that a configuration needs of AWS, as
// an IAM policy.
package permit

import (
	"encoding/json"
	"slices"
	"strings"
)

// Needs is what a configuration asks AWS for. The zero value asks for nothing.
type Needs struct {
	// Streams are those of Kinesis that are read.
	Streams []Stream
	// Queues tell of objects, which are read too.
	Queues []Queue
	// Subnets says that EC2 is asked for subnets and interfaces, Formats that it
	// is asked for flow logs.
	Subnets, Formats bool
	// Archives are what is listed and read, in Region; empty is not known.
	Archives []Place
	Region   string
	// Keys are the ARNs of KMS keys that streams, queues or objects are encrypted with.
	Keys []string
}

// Stream is a Kinesis stream by its name or ARN. An empty region is not known.
type Stream struct{ Region, Name string }

// Known reports whether the stream is named by its ARN, which tells all of it.
func (s Stream) Known() bool { return strings.HasPrefix(s.Name, "arn:") }

// Queue is an SQS queue. What is empty is not known.
type Queue struct {
	Region, Account, Name string
	// Objects are what may be read when the queue tells of it. None are all buckets
	// of the account that owns the queue.
	Objects []Place
}

// Place is a bucket, or the part of it whose keys begin with Prefix.
type Place struct{ Bucket, Prefix string }

// Policy is an identity-based policy of IAM:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type Policy struct {
	Version   string
	Statement []Statement
}

// Statement allows actions on resources.
type Statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

// String returns the policy as AWS takes it.
func (p Policy) String() string {
	text, _ := json.MarshalIndent(p, "", "  ") // strings alone: it cannot fail
	return string(text) + "\n"
}

// Policy returns what the identity needs that does the reading. Without any need
// it has no statement, and AWS would not take it.
func (n Needs) Policy() Policy {
	p := Policy{Version: "2012-10-17", Statement: []Statement{}}
	p.allow("ReadStream", readStream, each(n.Streams, Stream.arn), nil)
	if actions := n.describe(); len(actions) > 0 {
		// These calls know no resources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
		p.allow("DescribeNetwork", actions, []string{"*"}, nil)
	}
	p.allow("TakeMessages", takeMessages, each(n.Queues, Queue.arn), nil)
	named, open := n.objects()
	p.allow("ReadObjects", readObjects, each(named, located.objects), nil)
	p.allow("TellMissingObjects", listBucket, each(named, located.bucket), nil)
	p.allow("ReadObjectsOfAccount", readObjects, each(open, Queue.everything), owners(open))
	p.allow("TellMissingObjectsOfAccount", listBucket, each(open, Queue.buckets), owners(open))
	archives := in(n.Region, n.Archives)
	p.allow("ReadArchive", readObjects[:1], each(archives, located.objects), nil)
	p.allow("ListArchive", listBucket, each(archives, located.bucket), below(n.Archives))
	p.allow("Decrypt", []string{"kms:Decrypt"}, each(n.Keys, strings.Clone), nil)
	return p
}

// allow adds a statement, unless there is nothing that it would be about.
func (p *Policy) allow(sid string, actions, resources []string, condition map[string]map[string][]string) {
	if len(resources) > 0 {
		p.Statement = append(p.Statement, Statement{sid, "Allow", actions, resources, condition})
	}
}

// each returns a text of each item, none twice.
func each[T any](items []T, text func(T) string) (texts []string) {
	for _, item := range items {
		if one := text(item); !slices.Contains(texts, one) {
			texts = append(texts, one)
		}
	}
	return texts
}

var (
	readStream   = []string{"kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"}
	takeMessages = []string{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
	// A notification of a bucket with versions names one.
	readObjects = []string{"s3:GetObject", "s3:GetObjectVersion"}
	// Without it S3 says "denied" of an object that is gone, and its message stays.
	listBucket = []string{"s3:ListBucket"}
)

func (n Needs) describe() (actions []string) {
	if n.Formats {
		actions = append(actions, "ec2:DescribeFlowLogs")
	}
	if n.Subnets {
		actions = append(actions, "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
	}
	return actions
}

// Assume returns what the identity needs that takes on the role.
func Assume(role string) Policy {
	return Policy{Version: "2012-10-17", Statement: []Statement{{Sid: "AssumeRole", Effect: "Allow", Action: []string{"sts:AssumeRole"}, Resource: []string{role}}}}
}

// below is the condition that only keys with the prefixes are listed.
func below(list []Place) map[string]map[string][]string {
	if slices.ContainsFunc(list, func(p Place) bool { return p.Prefix == "" }) {
		return nil
	}
	prefixes := each(list, func(p Place) string { return literal.Replace(p.Prefix) + "*" })
	return map[string]map[string][]string{"StringLike": {"s3:prefix": prefixes}}
}
