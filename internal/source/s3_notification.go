package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// notified is an object that a notification tells of.
type notified struct {
	bucket, key string
	// version is empty for buckets without versions, etag seldom; one of the
	// two is there.
	version, etag string
	// region is where the bucket is; empty when that is not said.
	region string
	// created says that the object was written, and not deleted or tagged.
	created bool
}

// errForeignMessage says that a message is no notification of S3.
var errForeignMessage = errors.New("it is no event of S3, neither as S3 sends it nor through SNS or EventBridge")

// notification is all that a message may hold: what S3 sends, the wrapper of SNS, and
// the event of EventBridge.
type notification struct {
	// Of S3.
	Event   string
	Records []s3Event
	// Of SNS.
	Type    string
	Message string
	// Of EventBridge.
	Source     string
	DetailType string `json:"detail-type"`
	Region     string
	Detail     struct {
		Bucket s3Bucket
		Object s3Key
	}
}

type s3Event struct {
	EventVersion, EventSource, EventName, AWSRegion string
	S3                                              struct {
		Bucket s3Bucket
		Object s3Key
	}
}

type s3Bucket struct{ Name string }

// s3Key has the names of both, S3 and EventBridge: they differ in case and in a
// hyphen.
type s3Key struct {
	Key        string
	ETag       string
	VersionID  string
	VersionID2 string `json:"version-id"`
}

// parseNotification returns the objects that the body of a message tells of;
// none are the message by which S3 tests a queue.
func parseNotification(body string) ([]notified, error) {
	n, err := unwrap(body)
	switch {
	case err != nil:
		return nil, err
	case n.Event == "s3:TestEvent":
		return nil, nil
	case n.Source == "aws.s3":
		o, err := notify(n.Detail.Bucket, n.Detail.Object, n.Detail.Object.Key, n.Region)
		if err != nil {
			return nil, err
		}
		o.created = n.DetailType == "Object Created"
		return []notified{o}, nil
	case len(n.Records) == 0:
		return nil, errForeignMessage
	}
	var objects []notified
	for i := range n.Records {
		o, err := n.Records[i].object()
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// object is what an event of S3 tells of.
func (e *s3Event) object() (notified, error) {
	if e.EventSource != "aws:s3" || !strings.HasPrefix(e.EventVersion, "2.") {
		return notified{}, fmt.Errorf("%w: source %.40q, version %.10q", errForeignMessage, e.EventSource, e.EventVersion)
	}
	// As a form writes it: a blank is +, an equals sign %3D.
	key, err := url.QueryUnescape(e.S3.Object.Key)
	if err != nil {
		return notified{}, fmt.Errorf("the key of an object is not encoded as S3 does: %w", err)
	}
	o, err := notify(e.S3.Bucket, e.S3.Object, key, e.AWSRegion)
	o.created = strings.HasPrefix(strings.TrimPrefix(e.EventName, "s3:"), "ObjectCreated:")
	return o, err
}

// unwrap takes the notification out of the message of SNS, if there is one
// around it.
func unwrap(body string) (n notification, err error) {
	if err := json.Unmarshal([]byte(body), &n); err != nil {
		return n, fmt.Errorf("%w: %w", errForeignMessage, err)
	}
	if n.Type != "Notification" || n.Message == "" {
		return n, nil
	}
	inner := n.Message
	n = notification{}
	if err := json.Unmarshal([]byte(inner), &n); err != nil {
		return n, fmt.Errorf("%w: %w", errForeignMessage, err)
	}
	return n, nil
}

// isBucket reports whether a name is one of a bucket, as the old ones of
// us-east-1 are too. It keeps from requests what is no name, as an ARN.
func isBucket(name string) bool { return len(name) <= 255 && bucketName.MatchString(name) }

// Lengths are looked at apart: counted in an expression, they take a mebibyte.
var bucketName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]+[a-zA-Z0-9]$`)

// regionName is how regions are named: no host and no path.
var regionName = regexp.MustCompile(`^[a-z]{2,5}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$`)

// isMark reports whether versions and etags are written so: they go into headers.
func isMark(s string) bool { return len(s) <= 1000 && mark.MatchString(s) }

var mark = regexp.MustCompile(`^[!-~]*$`)

// maxKey is the length of a key in bytes, by the rules of S3.
const maxKey = 1024

// notify checks what a notification tells of.
func notify(b s3Bucket, o s3Key, key, region string) (notified, error) {
	version := o.VersionID + o.VersionID2
	if version == "null" { // written while versions were off: not one version
		version = ""
	}
	switch {
	case !isBucket(b.Name):
		return notified{}, fmt.Errorf("%.80q is no name of a bucket", b.Name)
	case key == "" || len(key) > maxKey || !utf8.ValidString(key):
		return notified{}, fmt.Errorf("%.80q is no key of an object", key)
	case region != "" && !regionName.MatchString(region):
		return notified{}, fmt.Errorf("%.40q is no region", region)
	case !isMark(version) || !isMark(o.ETag):
		return notified{}, fmt.Errorf("version and etag of %.80q are none of S3", key)
	case version == "" && o.ETag == "":
		return notified{}, fmt.Errorf("neither version nor etag of %.80q is told", key)
	}
	return notified{bucket: b.Name, key: key, version: version, etag: strings.Trim(o.ETag, `"`), region: region}, nil
}

// foreign reports whether the object is known to be no flow log. Below
// AWSLogs/, the path says which service wrote it; elsewhere content decides.
func (o *notified) foreign() bool {
	if !o.created || strings.HasSuffix(o.key, "/") || path.Base(o.key) == exportProbe {
		return true
	}
	parts := strings.Split(o.key, "/")
	below := slices.Index(parts, "AWSLogs")
	if below < 0 {
		return false
	}
	return !slices.ContainsFunc(parts[below+1:], func(part string) bool {
		return part == "vpcflowlogs" || part == "aws-service=vpcflowlogs"
	})
}

// exportProbe is the object by which a CloudWatch export task tests a bucket.
const exportProbe = "aws-logs-write-test"
