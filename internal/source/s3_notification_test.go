package source

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	direct = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-west-2","eventTime":"1970-01-01T00:00:00.000Z",` +
		`"eventName":"ObjectCreated:Put","userIdentity":{"principalId":"AIDAJDPLRKLG7UEXAMPLE"},"s3":{"s3SchemaVersion":"1.0","configurationId":"testConfigRule",` +
		`"bucket":{"name":"amzn-s3-demo-bucket","arn":"arn:aws:s3:::amzn-s3-demo-bucket"},"object":{"key":"AWSLogs/aws-account-id%3D1/red+flower%2B.gz","size":1024,` +
		`"eTag":"d41d8cd98f00b204e9800998ecf8427e","versionId":"096fKKXTRTtl3on89fVO.nfljtsv6qko","sequencer":"0055AED6DCD90281E5"}}}]}`
	bridge = `{"version":"0","id":"17793124-05d4-b198-2fde-7ededc63b103","detail-type":"Object Created","source":"aws.s3","account":"111122223333",` +
		`"time":"2021-11-12T00:00:00Z","region":"ca-central-1","resources":["arn:aws:s3:::amzn-s3-demo-bucket1"],"detail":{"version":"0",` +
		`"bucket":{"name":"amzn-s3-demo-bucket1"},"object":{"key":"a%3Db+c","size":5,"etag":"b1946ac92492d2347c6235b4d2611184",` +
		`"version-id":"IYV3p45BT0ac8hjHg1houSdS1a.Mro8e","sequencer":"617f08299329d189"},"request-id":"N4N7GDK58NMKJ12R","requester":"123456789012",` +
		`"source-ip-address":"1.2.3.4","reason":"PutObject"}}`
	testEvent = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"amzn-s3-demo-bucket","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE"}`
)

// viaSNS wraps a message as SNS does.
func viaSNS(message string) string {
	b, _ := json.Marshal(map[string]string{
		"Type": "Notification", "MessageId": "22b80b92", "TopicArn": "arn:aws:sns:us-west-2:1:t", "Subject": "Amazon S3 Notification",
		"Message": message, "Timestamp": "2012-05-02T00:54:06.655Z", "SignatureVersion": "1", "Signature": "E==", "SigningCertURL": "https://x", "UnsubscribeURL": "https://x",
	})
	return string(b)
}

func TestNotification(t *testing.T) {
	s3 := notified{
		bucket: "amzn-s3-demo-bucket", key: "AWSLogs/aws-account-id=1/red flower+.gz", version: "096fKKXTRTtl3on89fVO.nfljtsv6qko",
		etag: "d41d8cd98f00b204e9800998ecf8427e", region: "us-west-2", created: true,
	}
	event := notified{
		bucket: "amzn-s3-demo-bucket1", key: "a%3Db+c", version: "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
		etag: "b1946ac92492d2347c6235b4d2611184", region: "ca-central-1", created: true,
	}
	unversioned, removed := s3, s3
	unversioned.version, removed.created = "", false
	for name, c := range map[string]struct {
		body string
		want []notified
		says string
	}{
		"direct":                 {direct, []notified{s3}, ""},
		"two in one":             {strings.Replace(direct, "]}", ","+strings.TrimPrefix(direct, `{"Records":[`), 1), []notified{s3, s3}, ""},
		"SNS":                    {viaSNS(direct), []notified{s3}, ""},
		"EventBridge":            {bridge, []notified{event}, ""},
		"EventBridge and SNS":    {viaSNS(bridge), []notified{event}, ""},
		"test":                   {testEvent, nil, ""},
		"test through SNS":       {viaSNS(testEvent), nil, ""},
		"versions off":           {strings.Replace(direct, "096fKKXTRTtl3on89fVO.nfljtsv6qko", "null", 1), []notified{unversioned}, ""},
		"removed":                {strings.Replace(direct, "ObjectCreated:Put", "ObjectRemoved:Delete", 1), []notified{removed}, ""},
		"a later minor version":  {strings.Replace(direct, `"2.1"`, `"2.9","new":{"a":[1]}`, 1), []notified{s3}, ""},
		"another major version":  {strings.Replace(direct, `"2.1"`, `"3.0"`, 1), nil, "no event of S3"},
		"of another service":     {strings.Replace(direct, "aws:s3", "aws:ses", 1), nil, "no event of S3"},
		"EventBridge of another": {strings.Replace(bridge, "aws.s3", "aws.ec2", 1), nil, "no event of S3"},
		"SNS in SNS":             {viaSNS(viaSNS(direct)), nil, "no event of S3"},
		"no JSON":                {"hello", nil, "no event of S3"},
		"nothing":                {"", nil, "no event of S3"},
		"an empty list":          {`{"Records":[]}`, nil, "no event of S3"},
		"a list":                 {`[]`, nil, "no event of S3"},
		"null":                   {`null`, nil, "no event of S3"},
		"a bucket of elsewhere":  {strings.Replace(direct, `"amzn-s3-demo-bucket"`, `"evil.example.com/x?"`, 1), nil, "no name of a bucket"},
		"an ARN":                 {strings.Replace(direct, `"amzn-s3-demo-bucket"`, `"arn:aws:s3:us-west-2:1:accesspoint/x"`, 1), nil, "no name of a bucket"},
		"a bad escape":           {strings.Replace(direct, "%2B", "%zz", 1), nil, "not encoded"},
		"no key":                 {strings.Replace(direct, `"AWSLogs/aws-account-id%3D1/red+flower%2B.gz"`, `""`, 1), nil, "no key"},
		"a long key":             {strings.Replace(direct, "flower", strings.Repeat("x", 1025), 1), nil, "no key"},
		"a region of elsewhere":  {strings.Replace(direct, "us-west-2", "evil.example.com#", 1), nil, "no region"},
		"nothing to know it by":  {strings.NewReplacer("eTag", "e", "versionId", "v").Replace(direct), nil, "neither version nor etag"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseNotification(c.body)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want %q", err, c.says)
			}
			if err == nil && fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestForeignKeys(t *testing.T) {
	for key, foreign := range map[string]bool{
		"AWSLogs/1/vpcflowlogs/eu-west-1/2026/03/01/1_vpcflowlogs_eu-west-1_fl-1_20260301T0000Z_a.log.gz":   false,
		"team/AWSLogs/1/vpcflowlogs/eu-west-1/2026/03/01/10/x.log.gz":                                       false,
		"AWSLogs/o-1/1/vpcflowlogs/eu-west-1/2026/03/01/x.log.parquet":                                      false,
		"AWSLogs/aws-account-id=1/aws-service=vpcflowlogs/aws-region=x/year=2026/month=03/day=01/hour=00/x": false,
		"exports/7c8a/eni-1-all/000000.gz":                                                                  false,
		"exports/aws-logs-write-test":                                                                       true,
		"AWSLogs/1/CloudTrail/eu-west-1/2026/03/01/x.json.gz":                                               true,
		"AWSLogs/1/elasticloadbalancing/eu-west-1/2026/03/01/x.log.gz":                                      true,
		"AWSLogs/aws-account-id=1/aws-service=route53resolver/aws-region=x/x":                               true,
		"AWSLogs/1/vpcflowlogs/":                                                                            true,
		"vpcflowlogs/AWSLogs/1":                                                                             true,
	} {
		if o := (notified{key: key, created: true}); o.foreign() != foreign {
			t.Errorf("%s is foreign: %t, want %t", key, o.foreign(), foreign)
		}
	}
}

// TestIdentity: what differs in anything is another object, and no two texts
// run together.
func TestIdentity(t *testing.T) {
	seen := map[string]notified{}
	for _, o := range []notified{
		{bucket: "b", key: "k", etag: "e"}, {bucket: "b", key: "k", version: "e"}, {bucket: "b", key: "k", etag: "f"}, {bucket: "b", key: "k", version: "f"},
		{bucket: "bk", key: "", etag: "e"}, {bucket: "b", key: `k" "e`, etag: "e"}, {bucket: "c", key: "k", etag: "e"}, {bucket: "b", key: "l", etag: "e"},
	} {
		id := o.identity()
		if other, ok := seen[id]; ok || len(id) != 22 {
			t.Errorf("%+v and %+v are %q", o, other, id)
		}
		seen[id] = o
	}
	a, b := notified{bucket: "b", key: "k", version: "v", etag: "1"}, notified{bucket: "b", key: "k", version: "v", etag: "2", region: "r"}
	if a.identity() != b.identity() {
		t.Error("the version alone makes an object")
	}
}

func TestAllowed(t *testing.T) {
	for text, want := range map[string]Allowed{
		"logs": {"logs", ""}, "logs/": {"logs", ""}, "logs/a/b/": {"logs", "a/b"}, "s3://logs/a": {"logs", "a"},
		"arn:aws:s3:::logs/a/*": {"logs", "a"}, "arn:aws-cn:s3:::logs": {"logs", ""}, "": {}, "*": {}, "/a": {}, "a b": {}, "s3://": {},
	} {
		if got, err := ParseAllowed(text); got != want || (err != nil) != (want == Allowed{}) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	a := Allowed{"logs", "team/a"}
	for key, want := range map[string]bool{"team/a/x": true, "team/a": true, "team/ab": false, "team/": false, "x/team/a/x": false} {
		if got := a.permits(&notified{bucket: "logs", key: key}); got != want {
			t.Errorf("%s is permitted: %t", key, got)
		}
	}
	if a.permits(&notified{bucket: "logs2", key: "team/a/x"}) {
		t.Error("another bucket is permitted")
	}
}

func TestParseQueue(t *testing.T) {
	for text, want := range map[string]Queue{
		"https://sqs.eu-west-1.amazonaws.com/123456789012/flow":       {"flow", "123456789012", "eu-west-1"},
		"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/flow":   {"flow", "123456789012", "cn-north-1"},
		"https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/f": {"f", "123456789012", "us-gov-west-1"},
		"https://sqs.eu-west-1.api.aws/123456789012/flow":             {"flow", "123456789012", "eu-west-1"},
		"https://us-east-1.queue.amazonaws.com/123456789012/flow":     {"flow", "123456789012", "us-east-1"},
		"http://127.0.0.1:5000/123456789012/flow":                     {"flow", "123456789012", ""},
		"http://localhost:9324/queue/flow":                            {"flow", "", ""},
		"flow":                                                        {}, "sqs://x/y": {}, "https://sqs.eu-west-1.amazonaws.com/": {}, "": {}, "arn:aws:sqs:eu-west-1:123456789012:flow": {},
	} {
		if got, err := ParseQueue(text); got != want || (err != nil) != (want == Queue{}) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// FuzzNotification: whatever comes, what is made of it can be asked of S3.
func FuzzNotification(f *testing.F) {
	for _, seed := range []string{
		direct, viaSNS(direct), bridge, viaSNS(bridge), testEvent, `{"Records":null}`, `{"Type":"Notification","Message":"{}"}`,
		`{"source":"aws.s3","detail":{"object":{"key":"\u0000"}}}`, `{"Type":"SubscriptionConfirmation","SubscribeURL":"https://x"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		objects, err := parseNotification(body)
		if err != nil && (objects != nil || !utf8.ValidString(err.Error())) {
			t.Errorf("%v beside %q", objects, err)
		}
		for _, o := range objects {
			if !isBucket(o.bucket) || o.key == "" || len(o.key) > maxKey || !utf8.ValidString(o.key) ||
				o.version == "" && o.etag == "" || o.region != "" && !regionName.MatchString(o.region) {
				t.Errorf("%+v", o)
			}
			if len(o.identity()) != 22 {
				t.Errorf("identity %q", o.identity())
			}
			o.foreign()
		}
	})
}
