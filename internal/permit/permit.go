// Package permit writes the least privilege that a configuration needs of AWS, as
// an IAM policy.
package permit

import (
	"cmp"
	"encoding/json"
	"strings"
)

// Needs is what a configuration asks AWS for. The zero value asks for nothing.
type Needs struct {
	// Region is where everything is that does not say so itself; empty is not known.
	Region string
	// Stream is the name or ARN of a Kinesis stream.
	Stream string
	// Subnets says that EC2 is asked for subnets and interfaces, Formats that it
	// is asked for flow logs.
	Subnets, Formats bool
	// Queue is a queue that tells of objects; nil is none.
	Queue *Queue
	// Objects are what may be read when a queue tells of it. None are all buckets
	// of the account that owns the queue.
	Objects []Place
	// Archives are what is listed and read.
	Archives []Place
	// Keys are the ARNs of KMS keys that stream, queue or objects are encrypted with.
	Keys []string
}

// Queue is an SQS queue. What is empty is not known.
type Queue struct{ Region, Account, Name string }

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
	allow := func(sid string, actions []string, condition map[string]map[string][]string, resources ...string) {
		p.Statement = append(p.Statement, Statement{sid, "Allow", actions, resources, condition})
	}
	if n.Stream != "" {
		allow("ReadStream", readStream, nil, n.stream())
	}
	if actions := n.describe(); len(actions) > 0 {
		// These calls know no resources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
		allow("DescribeNetwork", actions, nil, "*")
	}
	if n.Queue != nil {
		allow("TakeMessages", takeMessages, nil, n.queue())
		objects, buckets := n.places(n.Objects)
		allow("ReadObjects", readObjects, n.owner(), objects...)
		allow("TellMissingObjects", listBucket, n.owner(), buckets...)
	}
	if len(n.Archives) > 0 {
		objects, buckets := n.places(n.Archives)
		allow("ReadArchive", readObjects[:1], nil, objects...)
		allow("ListArchive", listBucket, below(n.Archives), buckets...)
	}
	if len(n.Keys) > 0 {
		allow("Decrypt", []string{"kms:Decrypt"}, nil, n.Keys...)
	}
	return p
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

func (n Needs) stream() string {
	if strings.HasPrefix(n.Stream, "arn:") {
		return n.Stream
	}
	return n.arn("kinesis", n.Region, "", "stream/"+n.Stream)
}

func (n Needs) queue() string {
	return n.arn("sqs", cmp.Or(n.Queue.Region, n.Region), n.Queue.Account, n.Queue.Name)
}

// arn writes "*" for what is not known.
func (n Needs) arn(service, region, account, resource string) string {
	return strings.Join([]string{"arn", partition(region), service, cmp.Or(region, "*"), cmp.Or(account, "*"), resource}, ":")
}

// places returns the ARNs of the objects and of their buckets; of no place those
// of all, which owner narrows down.
func (n Needs) places(list []Place) (objects, buckets []string) {
	s3 := "arn:" + partition(n.home()) + ":s3:::"
	if len(list) == 0 {
		return []string{s3 + "*/*"}, []string{s3 + "*"}
	}
	seen := map[string]bool{}
	for _, p := range list {
		objects = append(objects, s3+p.Bucket+"/"+literal.Replace(p.Prefix)+"*")
		if !seen[p.Bucket] {
			seen[p.Bucket] = true
			buckets = append(buckets, s3+p.Bucket)
		}
	}
	return objects, buckets
}

// owner is the condition that the buckets are of the account that owns the queue,
// as long as nothing else says which they are:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
func (n Needs) owner() map[string]map[string][]string {
	if len(n.Objects) > 0 {
		return nil
	}
	return map[string]map[string][]string{"StringEquals": {"s3:ResourceAccount": {n.Queue.Account}}}
}

// below is the condition that only keys with the prefixes are listed.
func below(list []Place) map[string]map[string][]string {
	var prefixes []string
	for _, p := range list {
		if p.Prefix == "" {
			return nil
		}
		prefixes = append(prefixes, literal.Replace(p.Prefix)+"*")
	}
	return map[string]map[string][]string{"StringLike": {"s3:prefix": prefixes}}
}

// literal takes their meaning from the characters that have one in a policy:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
var literal = strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")

// home is the region that tells the partition.
func (n Needs) home() string {
	if n.Queue != nil {
		return cmp.Or(n.Queue.Region, n.Region)
	}
	return n.Region
}

// partitions are the worlds of AWS beside the usual one, by the beginning of
// their regions: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
var partitions = []struct{ region, name string }{
	{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"eusc-", "aws-eusc"},
	{"us-iso-", "aws-iso"}, {"us-isob-", "aws-iso-b"}, {"us-isof-", "aws-iso-f"}, {"eu-isoe-", "aws-iso-e"},
}

func partition(region string) string {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.region) {
			return p.name
		}
	}
	return "aws"
}
