package permit

import (
	"slices"
	"testing"
)

// TestResources: each need names its resource as narrowly as it is known.
func TestResources(t *testing.T) {
	const arn = "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/flow"
	queue := &Queue{Region: "eu-west-1", Account: "123456789012", Name: "q"}
	for _, c := range []struct {
		name, sid string
		needs     Needs
		resources []string
	}{
		{"stream by ARN", "ReadStream", Needs{Stream: arn, Region: "eu-west-1"}, []string{arn}},
		{"stream by name", "ReadStream", Needs{Stream: "flow", Region: "eu-west-1"}, []string{"arn:aws:kinesis:eu-west-1:*:stream/flow"}},
		{"nothing but a name", "ReadStream", Needs{Stream: "flow"}, []string{"arn:aws:kinesis:*:*:stream/flow"}},
		{"another partition", "ReadStream", Needs{Stream: "flow", Region: "us-gov-west-1"}, []string{"arn:aws-us-gov:kinesis:us-gov-west-1:*:stream/flow"}},
		{"queue", "TakeMessages", Needs{Queue: queue}, []string{"arn:aws:sqs:eu-west-1:123456789012:q"}},
		{"queue of an unknown place", "TakeMessages", Needs{Queue: &Queue{Name: "q"}, Region: "eu-west-2"}, []string{"arn:aws:sqs:eu-west-2:*:q"}},
		{"all buckets", "ReadObjects", Needs{Queue: queue}, []string{"arn:aws:s3:::*/*"}},
		{"a prefix", "ReadObjects", Needs{Queue: queue, Objects: []Place{{"b", "AWSLogs/"}}}, []string{"arn:aws:s3:::b/AWSLogs/*"}},
		{"two prefixes of a bucket", "TellMissingObjects", Needs{Queue: queue, Objects: []Place{{"b", "x/"}, {"b", "y/"}}}, []string{"arn:aws:s3:::b"}},
		{"buckets of China", "ReadObjects", Needs{Queue: &Queue{Region: "cn-north-1", Name: "q"}, Objects: []Place{{"b", ""}}}, []string{"arn:aws-cn:s3:::b/*"}},
		{"a prefix with a meaning in IAM", "ReadArchive", Needs{Archives: []Place{{"b", "a*b?c$d/"}}}, []string{"arn:aws:s3:::b/a${*}b${?}c${$}d/*"}},
		{"keys", "Decrypt", Needs{Keys: []string{"arn:aws:kms:eu-west-1:123456789012:key/k"}}, []string{"arn:aws:kms:eu-west-1:123456789012:key/k"}},
		{"subnets", "DescribeNetwork", Needs{Subnets: true}, []string{"*"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := statement(t, c.needs, c.sid)
			if !slices.Equal(s.Resource, c.resources) {
				t.Errorf("got %v, want %v", s.Resource, c.resources)
			}
		})
	}
}

// TestOnlyWhatIsAsked: a need brings its own statements and no others.
func TestOnlyWhatIsAsked(t *testing.T) {
	queue := &Queue{Region: "eu-west-1", Account: "123456789012", Name: "q"}
	for _, c := range []struct {
		name  string
		needs Needs
		sids  []string
	}{
		{"nothing", Needs{Region: "eu-west-1"}, nil},
		{"stream", Needs{Stream: "s"}, []string{"ReadStream"}},
		{"formats", Needs{Formats: true}, []string{"DescribeNetwork"}},
		{"queue", Needs{Queue: queue}, []string{"TakeMessages", "ReadObjects", "TellMissingObjects"}},
		{"archive", Needs{Archives: []Place{{"b", ""}}}, []string{"ReadArchive", "ListArchive"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sids []string
			for _, s := range c.needs.Policy().Statement {
				sids = append(sids, s.Sid)
			}
			if !slices.Equal(sids, c.sids) {
				t.Errorf("got %v, want %v", sids, c.sids)
			}
		})
	}
}

// TestBucketsOfTheOwnerAlone: where no bucket is named, S3 checks whose it is.
func TestBucketsOfTheOwnerAlone(t *testing.T) {
	queue := &Queue{Region: "eu-west-1", Account: "123456789012", Name: "q"}
	for _, sid := range []string{"ReadObjects", "TellMissingObjects"} {
		open := statement(t, Needs{Queue: queue}, sid)
		if got := open.Condition["StringEquals"]["s3:ResourceAccount"]; !slices.Equal(got, []string{"123456789012"}) {
			t.Errorf("%s: condition %v", sid, open.Condition)
		}
		if named := statement(t, Needs{Queue: queue, Objects: []Place{{"b", ""}}}, sid); named.Condition != nil {
			t.Errorf("%s: condition %v on a named bucket", sid, named.Condition)
		}
	}
}

func statement(t *testing.T, n Needs, sid string) Statement {
	t.Helper()
	for _, s := range n.Policy().Statement {
		if s.Sid == sid {
			return s
		}
	}
	t.Fatalf("no statement %s in %s", sid, n.Policy())
	return Statement{}
}
