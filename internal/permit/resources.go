package permit

import (
	"cmp"
	"strings"
)

func (s Stream) arn() string {
	if s.Known() {
		return s.Name
	}
	return arn("kinesis", s.Region, "", "stream/"+s.Name)
}

func (q Queue) arn() string { return arn("sqs", q.Region, q.Account, q.Name) }

// arn writes "*" for what is not known.
func arn(service, region, account, resource string) string {
	return strings.Join([]string{"arn", partition(region), service, cmp.Or(region, "*"), cmp.Or(account, "*"), resource}, ":")
}

// everything and buckets are those of all accounts, which owners narrows down.
func (q Queue) everything() string { return inS3(q.Region) + "*/*" }
func (q Queue) buckets() string    { return inS3(q.Region) + "*" }

// inS3 begins the ARN of a bucket.
func inS3(region string) string { return "arn:" + partition(region) + ":s3:::" }

// located is a place with the region that tells its partition.
type located struct {
	region string
	Place
}

func in(region string, places []Place) (all []located) {
	for _, p := range places {
		all = append(all, located{region, p})
	}
	return all
}

func (l located) objects() string {
	return inS3(l.region) + l.Bucket + "/" + literal.Replace(l.Prefix) + "*"
}
func (l located) bucket() string { return inS3(l.region) + l.Bucket }

// objects are the places that queues may tell of, and the queues that may tell of
// any place of their account.
func (n Needs) objects() (named []located, open []Queue) {
	for _, q := range n.Queues {
		if len(q.Objects) == 0 {
			open = append(open, q)
		}
		named = append(named, in(q.Region, q.Objects)...)
	}
	return named, open
}

// owners is the condition that the buckets are of the accounts that own the queues,
// as nothing else says which they are:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
func owners(open []Queue) map[string]map[string][]string {
	return map[string]map[string][]string{"StringEquals": {"s3:ResourceAccount": each(open, func(q Queue) string { return q.Account })}}
}

// literal takes their meaning from the characters that have one in a policy:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
var literal = strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")

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
