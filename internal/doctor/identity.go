package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// AWS are the links that are in AWS. Its fields are set before Checks.
type AWS struct {
	// Load returns the configuration, or why there is none.
	Load func() (aws.Config, error)
	// Stream is the name or ARN of a Kinesis stream; empty is none.
	Stream string
	// WantShards is how many open shards the user expects; 0 expects nothing.
	WantShards int
	// Content says how the records of the stream are read.
	Content Content
	// Subnets is the file of the subnets; empty is EC2.
	Subnets string
	// Queue is the URL of a queue; empty is none.
	Queue string
	// Prefixes are the buckets, or parts of them, that may be read, as BUCKET/PREFIX.
	Prefixes []Prefix

	config  aws.Config
	skew    skew
	records []record // the last ones of the stream, oldest first
	asked   *formats // what is known of the log groups in them
}

// The names that other checks need.
const (
	regionCheck, credentialsCheck, identityCheck = "region", "credentials", "identity"
	streamCheck, shardsCheck                     = "stream", "shards"
)

// Checks returns the checks of all that is set.
func (a *AWS) Checks() []Check {
	checks := []Check{
		{regionCheck, nil, a.region},
		{credentialsCheck, []string{regionCheck}, a.credentials},
		{identityCheck, []string{credentialsCheck}, a.identity},
	}
	reading := append(a.streamChecks(), a.queueChecks()...)
	// The clock of AWS comes with each answer, so somebody has to have asked.
	checks = append(checks, reading...)
	checks = append(checks, a.networkChecks()...)
	return append(checks, Check{"clock", []string{credentialsCheck}, a.clock})
}

func (a *AWS) region(context.Context) Finding {
	config, err := a.Load()
	if err != nil {
		return Broken(err, "")
	}
	if config.HTTPClient == nil {
		config.HTTPClient = http.DefaultClient
	}
	config.HTTPClient = &dated{config.HTTPClient, &a.skew}
	a.config = config
	return Passed("%s", config.Region)
}

func (a *AWS) credentials(ctx context.Context) Finding {
	if a.config.Credentials == nil {
		return Broken(errors.New("no AWS credentials found"), "")
	}
	c, err := a.config.Credentials.Retrieve(ctx)
	if err != nil {
		return a.refused(err, cloud.Subject{})
	}
	if c.CanExpire {
		return Passed("from %s, good until %s", c.Source, c.Expires.UTC().Format(time.RFC3339))
	}
	return Passed("from %s", c.Source)
}

// identity asks who AWS takes us for, which needs no permission.
func (a *AWS) identity(ctx context.Context) Finding {
	out, err := sts.NewFromConfig(a.config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil && cloud.Reason(err) == cloud.Network {
		return Skipped("STS does not answer, and is not needed to read: %v", cloud.Explain(err, cloud.Subject{Region: a.config.Region}))
	}
	if err != nil {
		return a.refused(err, cloud.Subject{})
	}
	return Passed("%s", aws.ToString(out.Arn))
}

// refused words an error of AWS.
func (a *AWS) refused(err error, about cloud.Subject) Finding {
	about.Region = a.config.Region
	return Broken(cloud.Explain(err, about), "")
}

// The clock of this machine may differ by so much: signatures of 5 minutes ago are
// refused. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
const (
	worthTelling = 10 * time.Second
	tooFar       = 4 * time.Minute
)

func (a *AWS) clock(context.Context) Finding {
	off, ok := a.skew.get()
	switch size := off.Abs(); {
	case !ok:
		return Skipped("AWS has not answered")
	case size >= tooFar:
		return Broken(fmt.Errorf("the clock of this machine is %s AWS's", differs(off)),
			"set it, as by chrony or systemd-timesyncd: AWS refuses signatures that are 5 minutes off")
	case size >= worthTelling:
		return Passed("%s AWS's; set it before it is 5 minutes", differs(off))
	}
	return Passed("as AWS's")
}

func differs(off time.Duration) string {
	if off < 0 {
		return fmt.Sprintf("%v behind", (-off).Round(time.Second))
	}
	return fmt.Sprintf("%v ahead of", off.Round(time.Second))
}

// skew is how far our clock is ahead of AWS's. Safe for concurrent use.
type skew struct {
	known atomic.Bool
	off   atomic.Int64
}

func (s *skew) get() (time.Duration, bool) { return time.Duration(s.off.Load()), s.known.Load() }

// now is the time by the clock of AWS, as far as it is known.
func (s *skew) now() time.Time { return time.Now().Add(-time.Duration(s.off.Load())) }

// dated is an HTTP client that notes the time in the answers.
type dated struct {
	aws.HTTPClient
	skew *skew
}

// Do implements aws.HTTPClient.
func (d *dated) Do(r *http.Request) (*http.Response, error) {
	answer, err := d.HTTPClient.Do(r)
	if err != nil {
		return answer, err
	}
	if at, parsed := http.ParseTime(answer.Header.Get("Date")); parsed == nil {
		d.skew.off.Store(int64(time.Since(at)))
		d.skew.known.Store(true)
	}
	return answer, err
}
