package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// AWS are the links in a region of AWS. Its fields are set before its checks.
type AWS struct {
	// Of is the region, where there are several, and Readers the inputs that read
	// there; else both are empty.
	Of      string
	Readers []string
	// Config is the configuration for the region; Err says why there is none.
	Config aws.Config
	Err    error
	// Content says how the records of streams are read.
	Content Content

	skew skew
}

// The names that other checks need.
const (
	regionCheck, credentialsCheck, identityCheck = "region", "credentials", "identity"
	streamCheck, shardsCheck                     = "stream", "shards"
)

// Known is whether AWS can be asked at all, and who it takes us for.
func (a *AWS) Known() []Check {
	return []Check{
		a.check(regionCheck, "", a.region),
		a.check(credentialsCheck, regionCheck, a.credentials),
		a.check(identityCheck, credentialsCheck, a.identity),
	}
}

// Clock is the check of this machine's clock. The time of AWS comes with each answer,
// so somebody has to have asked before.
func (a *AWS) Clock() Check { return a.check("clock", credentialsCheck, a.clock) }

// check is one of the region, which needs another one.
func (a *AWS) check(name, needs string, ask func(context.Context) Finding) Check {
	c := Check{Name: name, Of: a.Of, Ask: ask}
	if needs != "" {
		c.Needs = []string{key(needs, a.Of)}
	}
	return c
}

func (a *AWS) region(context.Context) Finding {
	if a.Err != nil {
		return Broken(a.Err, "")
	}
	if a.Config.HTTPClient == nil {
		a.Config.HTTPClient = http.DefaultClient
	}
	a.Config.HTTPClient = &dated{a.Config.HTTPClient, &a.skew}
	if len(a.Readers) > 0 {
		return Passed("of %s", strings.Join(a.Readers, ", "))
	}
	return Passed("%s", a.Config.Region)
}

func (a *AWS) credentials(ctx context.Context) Finding {
	if a.Config.Credentials == nil {
		return Broken(errors.New("no AWS credentials found"), "")
	}
	c, err := a.Config.Credentials.Retrieve(ctx)
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
	out, err := sts.NewFromConfig(a.Config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil && cloud.Reason(err) == cloud.Network {
		return Skipped("STS does not answer, and is not needed to read: %v", cloud.Explain(err, cloud.Subject{Region: a.Config.Region}))
	}
	if err != nil {
		return a.refused(err, cloud.Subject{})
	}
	return Passed("%s", aws.ToString(out.Arn))
}

// refused words an error of AWS.
func (a *AWS) refused(err error, about cloud.Subject) Finding {
	about.Region = a.Config.Region
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
