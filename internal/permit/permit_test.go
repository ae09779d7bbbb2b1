package permit

import (
	"slices"
	"testing"
)

// TestResources: each need names its resource as narrowly as it is known.
func TestResources(t *testing.T) {
	const chinese = "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/flow"
	stream := func(region, name string) Needs { return Needs{Streams: []Stream{{region, name}}} }
	queue := func(region string, objects ...Place) Needs {
		return Needs{Queues: []Queue{{region, "123456789012", "q", objects}}}
	}
	for _, c := range []struct {
		name, sid string
		needs     Needs
		resources []string
	}{
		{"stream by ARN", "ReadStream", stream("eu-west-1", chinese), []string{chinese}},
		{"stream by name", "ReadStream", stream("eu-west-1", "flow"), []string{"arn:aws:kinesis:eu-west-1:*:stream/flow"}},
		{"nothing but a name", "ReadStream", stream("", "flow"), []string{"arn:aws:kinesis:*:*:stream/flow"}},
		{"another partition", "ReadStream", stream("us-gov-west-1", "flow"), []string{"arn:aws-us-gov:kinesis:us-gov-west-1:*:stream/flow"}},
		{"queue", "TakeMessages", queue("eu-west-1"), []string{"arn:aws:sqs:eu-west-1:123456789012:q"}},
		{"queue of an unknown account", "TakeMessages", Needs{Queues: []Queue{{Region: "eu-west-2", Name: "q"}}}, []string{"arn:aws:sqs:eu-west-2:*:q"}},
		{"all buckets", "ReadObjectsOfAccount", queue("eu-west-1"), []string{"arn:aws:s3:::*/*"}},
		{"a prefix", "ReadObjects", queue("eu-west-1", Place{"b", "AWSLogs/"}), []string{"arn:aws:s3:::b/AWSLogs/*"}},
		{"two prefixes of a bucket", "TellMissingObjects", queue("eu-west-1", Place{"b", "x/"}, Place{"b", "y/"}), []string{"arn:aws:s3:::b"}},
		{"buckets of China", "ReadObjects", queue("cn-north-1", Place{"b", ""}), []string{"arn:aws-cn:s3:::b/*"}},
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

// TestSeveral: what several inputs need is one statement, in which nothing stands
// twice; buckets that are named do not open those that are not.
func TestSeveral(t *testing.T) {
	needs := Needs{
		Streams: []Stream{{"eu-west-1", "a"}, {"us-east-1", "a"}, {"eu-west-1", "a"}},
		Queues: []Queue{
			{"eu-west-1", "111111111111", "p", []Place{{"b", "x/"}, {"c", ""}}},
			{"eu-west-1", "111111111111", "q", []Place{{"b", "x/"}}},
			{"eu-west-1", "222222222222", "r", nil},
			{"eu-west-1", "222222222222", "s", nil},
		},
		Keys: []string{"k", "k"},
	}
	for sid, want := range map[string][]string{
		"ReadStream":   {"arn:aws:kinesis:eu-west-1:*:stream/a", "arn:aws:kinesis:us-east-1:*:stream/a"},
		"TakeMessages": {"arn:aws:sqs:eu-west-1:111111111111:p", "arn:aws:sqs:eu-west-1:111111111111:q", "arn:aws:sqs:eu-west-1:222222222222:r", "arn:aws:sqs:eu-west-1:222222222222:s"},
		"ReadObjects":  {"arn:aws:s3:::b/x/*", "arn:aws:s3:::c/*"}, "TellMissingObjects": {"arn:aws:s3:::b", "arn:aws:s3:::c"},
		"ReadObjectsOfAccount": {"arn:aws:s3:::*/*"}, "TellMissingObjectsOfAccount": {"arn:aws:s3:::*"},
		"Decrypt": {"k"},
	} {
		if got := statement(t, needs, sid).Resource; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", sid, got, want)
		}
	}
	if got := statement(t, needs, "ReadObjectsOfAccount").Condition["StringEquals"]["s3:ResourceAccount"]; !slices.Equal(got, []string{"222222222222"}) {
		t.Errorf("any bucket of %v", got)
	}
	seen := map[string]bool{}
	for _, s := range needs.Policy().Statement {
		if seen[s.Sid] {
			t.Errorf("two statements are called %s", s.Sid)
		}
		seen[s.Sid] = true
	}
}

// TestOnlyWhatIsAsked: a need brings its own statements and no others.
func TestOnlyWhatIsAsked(t *testing.T) {
	for _, c := range []struct {
		name  string
		needs Needs
		sids  []string
	}{
		{"nothing", Needs{Region: "eu-west-1"}, nil},
		{"stream", Needs{Streams: []Stream{{Name: "s"}}}, []string{"ReadStream"}},
		{"formats", Needs{Formats: true}, []string{"DescribeNetwork"}},
		{"queue", Needs{Queues: []Queue{{Name: "q", Objects: []Place{{"b", ""}}}}}, []string{"TakeMessages", "ReadObjects", "TellMissingObjects"}},
		{"queue alone", Needs{Queues: []Queue{{Account: "123456789012", Name: "q"}}}, []string{"TakeMessages", "ReadObjectsOfAccount", "TellMissingObjectsOfAccount"}},
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
	for _, sid := range []string{"ReadObjects", "TellMissingObjects"} {
		open := statement(t, Needs{Queues: []Queue{{Account: "123456789012", Name: "q"}}}, sid+"OfAccount")
		if got := open.Condition["StringEquals"]["s3:ResourceAccount"]; !slices.Equal(got, []string{"123456789012"}) {
			t.Errorf("%s: condition %v", sid, open.Condition)
		}
		if named := statement(t, Needs{Queues: []Queue{{Name: "q", Objects: []Place{{"b", ""}}}}}, sid); named.Condition != nil {
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
