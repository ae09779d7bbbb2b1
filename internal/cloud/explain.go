package cloud

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
)

// Problem is a failure told in a sentence that names the remedy.
type Problem struct {
	// Text is the sentence.
	Text string
	// Err is what the SDK said; nil where it was not asked.
	Err error
}

func (p *Problem) Error() string { return p.Text }

// Unwrap returns what the SDK said.
func (p *Problem) Unwrap() error { return p.Err }

// Subject is what a call was about, for the words of its explanation. Every
// field may be empty.
type Subject struct {
	// Stream is the name or ARN of the Kinesis stream.
	Stream string
	// Queue is the URL of the SQS queue.
	Queue string
	// Resource is the ARN that the call was about, for a denial that names none.
	Resource string
	// Region is where the call went.
	Region string
	// Streams are the names of the streams that do exist there.
	Streams []string
	// Since is when the failure began.
	Since time.Time
}

// Explain turns an error of the SDK into a *Problem with a plain sentence. An
// error that it has no better words for comes back as it is, nil as nil.
func Explain(err error, about ...Subject) error {
	var p *Problem
	if err == nil || errors.As(err, &p) {
		return err
	}
	var s Subject
	if len(about) > 0 {
		s = about[0]
	}
	if text := sentence(err, s); text != "" {
		return &Problem{Text: text, Err: err}
	}
	return err
}

func sentence(err error, s Subject) string {
	var profile config.SharedConfigProfileNotExistError
	if errors.As(err, &profile) {
		return missingProfile(profile)
	}
	if noCredentials(err) {
		return "no AWS credentials found: tried environment, web identity, shared config, container, instance role." +
			" Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or attach a role."
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return unreachable(err, s)
	}
	code, message := api.ErrorCode(), api.ErrorMessage()
	switch {
	case expiredCredentials[code]:
		return expired(s)
	case badCredentials[code]:
		return fmt.Sprintf("AWS does not accept the credentials (%s: %s). Check the access key, its secret and the clock of this machine.", code, message)
	case denials[code]:
		return denied(err, message, s)
	case code == "ResourceNotFoundException" && s.Stream != "" && streamMissing.MatchString(message):
		return missingStream(message, s)
	case s.Queue != "" && missingQueues[code]:
		return fmt.Sprintf("there is no queue %s in region %s: check its URL", s.Queue, s.Region)
	case code == "NoSuchBucket" && s.Resource != "":
		return fmt.Sprintf("there is no bucket of %s: it was deleted, or is of another partition of AWS", s.Resource)
	case code == "PermanentRedirect" && s.Resource != "":
		return fmt.Sprintf("the bucket of %s is in another region than %s, and its notification did not say so", s.Resource, s.Region)
	}
	return ""
}

// noCredentials reports whether the whole chain came to its end without any.
func noCredentials(err error) bool {
	var empty *credentials.StaticCredentialsEmptyError
	return errors.As(err, &empty) || strings.Contains(err.Error(), "no EC2 IMDS role found")
}

var sectionHeader = regexp.MustCompile(`(?m)^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]`)

func missingProfile(e config.SharedConfigProfileNotExistError) string {
	var have []string
	for _, file := range append(e.Filename, config.DefaultSharedConfigFilename(), config.DefaultSharedCredentialsFilename(),
		os.Getenv("AWS_CONFIG_FILE"), os.Getenv("AWS_SHARED_CREDENTIALS_FILE")) {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a file that is not there names no profile
		}
		for _, m := range sectionHeader.FindAllSubmatch(text, -1) {
			if name := string(m[1]); !strings.HasPrefix(name, "sso-session ") && !strings.HasPrefix(name, "services ") {
				have = append(have, name)
			}
		}
	}
	slices.Sort(have)
	return fmt.Sprintf("no AWS profile %q in the shared config files. Profiles there: %s", e.Profile, list(slices.Compact(have)))
}

// list joins names for a sentence, up to 20 of them.
func list(names []string) string {
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > 20:
		return strings.Join(names[:20], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

func expired(s Subject) string {
	since := ""
	if !s.Since.IsZero() {
		since = " since " + s.Since.UTC().Format(time.RFC3339)
	}
	return "the AWS session token has expired: calls are refused" + since + ". Renew the credentials; retrying."
}

var (
	streamMissing = regexp.MustCompile(`^Stream .* not found`)
	inAccount     = regexp.MustCompile(`under account (\d+)`)
	notAuthorized = regexp.MustCompile(`not authorized to perform: ([\w-]+:\w+)(?: on resource: (\S+))?`)
	iamNames      = map[string]string{"CloudWatch Logs": "logs"}
)

func missingStream(message string, s Subject) string {
	where := ""
	if m := inAccount.FindStringSubmatch(message); m != nil {
		where = " in account " + m[1]
	}
	if s.Region != "" {
		where += ", region " + s.Region
	}
	text := fmt.Sprintf("stream %q not found%s.", s.Stream, where)
	if s.Streams != nil {
		text += " Streams there: " + list(s.Streams)
	}
	return text
}

// denied names the action, the resource and the statement that would allow it.
func denied(err error, message string, s Subject) string {
	action, resource := "", cmp.Or(s.Resource, "*")
	if m := notAuthorized.FindStringSubmatch(message); m != nil {
		action = m[1]
		if m[2] != "" {
			resource = strings.Trim(m[2], `.,;"`) // S3 quotes it
		}
	} else {
		action = actionOf(err)
	}
	if action == "" {
		return "AWS denied access: " + message
	}
	if strings.Contains(message, "explicit deny") {
		return fmt.Sprintf("AWS denied %s on %s by an explicit deny: find the policy that denies it. AWS says: %s", action, resource, message)
	}
	return fmt.Sprintf("AWS denied %s on %s. Add to the policy: "+
		`{"Effect": "Allow", "Action": %q, "Resource": %q}`, action, resource, action, resource)
}

// actionOf is the IAM action of the call at the bottom of err, as
// kinesis:GetRecords.
func actionOf(err error) (action string) {
	var op *smithy.OperationError
	for errors.As(err, &op) {
		service, ok := iamNames[op.Service()]
		if !ok {
			service = strings.ToLower(strings.ReplaceAll(op.Service(), " ", ""))
		}
		// What is asked for in batches is allowed by the action for one.
		action, err = service+":"+strings.TrimSuffix(op.Operation(), "Batch"), op.Unwrap()
	}
	return action
}
