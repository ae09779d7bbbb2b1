package source

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Queue is what the URL of a queue says.
type Queue struct {
	// Name is the last part of the URL.
	Name string
	// Account is the owner, 12 digits; empty when the URL does not say.
	Account string
	// Region is where the queue is; empty when the URL does not say.
	Region string
}

var (
	accountID  = regexp.MustCompile(`^[0-9]{12}$`)
	queueHost  = regexp.MustCompile(`^sqs(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws|api\.aws)`)
	legacyHost = regexp.MustCompile(`^([a-z0-9-]+)\.queue\.amazonaws\.com`)
)

// ParseQueue reads the URL of a queue.
func ParseQueue(text string) (Queue, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return Queue{}, fmt.Errorf("%q is no URL of a queue: it looks like https://sqs.eu-west-1.amazonaws.com/123456789012/NAME", text)
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	q := Queue{Name: parts[len(parts)-1]}
	if len(parts) > 1 && accountID.MatchString(parts[len(parts)-2]) {
		q.Account = parts[len(parts)-2]
	}
	for _, host := range []*regexp.Regexp{queueHost, legacyHost} {
		if m := host.FindStringSubmatch(u.Hostname()); m != nil {
			q.Region = m[1]
		}
	}
	return q, nil
}
