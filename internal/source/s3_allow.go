package source

import (
	"fmt"
	"strings"
)

// Allowed is what may be read: a bucket, or the part of it below a prefix.
// Messages are input, and a queue may be open to others.
type Allowed struct {
	Bucket string
	// Prefix is a path within the bucket, whole parts of it; empty is all.
	Prefix string
}

// ParseAllowed reads BUCKET or BUCKET/PREFIX, also as s3://BUCKET/PREFIX and as
// ARN.
func ParseAllowed(text string) (Allowed, error) {
	rest := strings.TrimPrefix(text, "s3://")
	if i := strings.Index(rest, ":s3:::"); i >= 0 && strings.HasPrefix(rest, "arn:") {
		rest = rest[i+len(":s3:::"):]
	}
	bucket, prefix, _ := strings.Cut(strings.TrimSuffix(rest, "*"), "/")
	if !isBucket(bucket) {
		return Allowed{}, fmt.Errorf("%q names no bucket; write it as BUCKET or BUCKET/PREFIX", text)
	}
	return Allowed{bucket, strings.Trim(prefix, "/")}, nil
}

// permits reports whether the object is within what is allowed.
func (a Allowed) permits(o *notified) bool {
	return o.bucket == a.Bucket && (a.Prefix == "" || o.key == a.Prefix || strings.HasPrefix(o.key, a.Prefix+"/"))
}

// permitted reports whether an object may be read: all that is in the account
// of the queue when nothing is listed, which S3 checks.
func (s *S3) permitted(o *notified) bool {
	for _, a := range s.Allow {
		if a.permits(o) {
			return true
		}
	}
	return len(s.Allow) == 0
}
