package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/flowlog-exporter/flowlog-exporter/internal/nearest"
)

// isolate takes the machine's own AWS configuration away; the instance
// metadata is a server that knows nothing.
func isolate(t *testing.T, env map[string]string) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	metadata := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(metadata.Close)
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
	for name, value := range env {
		t.Setenv(name, value)
	}
}

func TestLoadRegion(t *testing.T) {
	const missing = "no AWS region: pass -region, set AWS_REGION, or give the stream as an ARN (the original defaulted to eu-west-1)"
	cases := map[string]struct {
		options      Options
		env          map[string]string
		region, fail string
	}{
		"none":        {Options{}, nil, "", missing},
		"option":      {Options{Region: "eu-west-1"}, nil, "eu-west-1", ""},
		"environment": {Options{}, map[string]string{"AWS_REGION": "cn-north-1"}, "cn-north-1", ""},
		"option before environment": {
			Options{Region: "us-gov-west-1"}, map[string]string{"AWS_REGION": "eu-west-1"}, "us-gov-west-1", "",
		},
		"ARN": {
			Options{Stream: "arn:aws:kinesis:us-east-2:123456789012:stream/flow"}, map[string]string{"AWS_REGION": "eu-west-1"}, "us-east-2", "",
		},
		"ARN and another option": {
			Options{Stream: "arn:aws:kinesis:us-east-2:123456789012:stream/flow", Region: "eu-west-1"}, nil,
			"", "the stream is in us-east-2, as its ARN says, but -region is eu-west-1: leave -region out",
		},
		"ARN of something else": {
			Options{Stream: "arn:aws:s3:::bucket"}, nil,
			"", `"arn:aws:s3:::bucket" is no ARN of a Kinesis stream: it looks like arn:aws:kinesis:eu-west-1:123456789012:stream/NAME`,
		},
		"typo": {Options{Region: "eu-wst-1"}, nil, "", `"eu-wst-1" is no AWS region known to this build; did you mean eu-west-1?`},
		"typo of the environment": {
			Options{}, map[string]string{"AWS_REGION": "us-esat-1"}, "", `"us-esat-1" is no AWS region known to this build; did you mean us-east-1?`,
		},
		"a zone":         {Options{Region: "eu-west-1a"}, nil, "", `"eu-west-1a" is no AWS region known to this build; did you mean eu-west-1?`},
		"no region":      {Options{Region: "Frankfurt"}, nil, "", `"Frankfurt" is no AWS region known to this build`},
		"a young region": {Options{Region: "ap-southeast-9"}, nil, "ap-southeast-9", ""},
		"any name for an emulator": {
			Options{Region: "local", EndpointURL: "http://localhost:4566"}, nil, "local", "",
		},
		"any name for an emulator of the environment": {
			Options{Region: "local"}, map[string]string{"AWS_ENDPOINT_URL": "http://localhost:4566"}, "local", "",
		},
		"any name for one service": {
			Options{Region: "local"}, map[string]string{"AWS_ENDPOINT_URL_KINESIS": "http://localhost:4566"}, "local", "",
		},
		"no name for an emulator": {Options{EndpointURL: "http://localhost:4566"}, nil, "", missing},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			isolate(t, c.env)
			c.options.Logger = slog.New(slog.DiscardHandler)
			cfg, err := Load(t.Context(), c.options)
			switch {
			case c.fail != "" && (err == nil || err.Error() != c.fail):
				t.Errorf("error %v, want %s", err, c.fail)
			case c.fail == "" && err != nil:
				t.Error(err)
			case cfg.Region != c.region:
				t.Errorf("region %q, want %q", cfg.Region, c.region)
			}
		})
	}
}

func TestLoadOldCredentialNames(t *testing.T) {
	isolate(t, map[string]string{"AWS_ACCESS_KEY": "AKOLD", "AWS_SECRET_KEY": "secret"})
	var log bytes.Buffer
	cfg, err := Load(t.Context(), Options{Region: "eu-west-1", Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	got, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || got.AccessKeyID != "AKOLD" {
		t.Errorf("credentials %v, %v", got, err)
	}
	if n := strings.Count(log.String(), "level=INFO"); n != 1 || strings.Contains(log.String(), "AKOLD") {
		t.Errorf("want one note without the key:\n%s", &log)
	}
}

func TestLoadMissingProfile(t *testing.T) {
	isolate(t, map[string]string{"AWS_PROFILE": "nope"})
	files := map[string]string{
		"AWS_CONFIG_FILE":             "[default]\nregion=eu-west-1\n[profile prod]\nregion = x\n[sso-session s]\n",
		"AWS_SHARED_CREDENTIALS_FILE": "[default]\n[ test ]\naws_access_key_id = x\n",
	}
	for env, text := range files {
		if err := os.WriteFile(os.Getenv(env), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(t.Context(), Options{Region: "eu-west-1"})
	const want = `no AWS profile "nope" in the shared config files. Profiles there: default, prod, test`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// The role is taken on with the found credentials, through the same endpoint.
func TestLoadAssumesRole(t *testing.T) {
	isolate(t, map[string]string{"AWS_ACCESS_KEY_ID": "AKBASE", "AWS_SECRET_ACCESS_KEY": "secret"})
	var asked, signed string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked, signed = string(body), r.Header.Get("Authorization")
		fmt.Fprint(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKROLE</AccessKeyId>`+
			`<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>`+
			`</Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	}))
	defer server.Close()
	cfg, err := Load(t.Context(), Options{Region: "eu-west-1", EndpointURL: server.URL, AssumeRole: "arn:aws:iam::123456789012:role/flow"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || got.AccessKeyID != "AKROLE" {
		t.Errorf("credentials %v, %v", got, err)
	}
	if !strings.Contains(asked, "role%2Fflow") || !strings.Contains(signed, "AKBASE") {
		t.Errorf("asked %s signed %s", asked, signed)
	}
}

// refusal is what the server of a case says.
type refusal struct {
	status        int
	kind, message string
}

func (r refusal) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": r.kind, "message": r.message})
}

func TestExplainRefusals(t *testing.T) {
	const arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/flow"
	about := Subject{Stream: "flow", Region: "eu-west-1", Streams: []string{"a", "b"}}
	cases := map[string]struct {
		refusal
		about        Subject
		reason, text string // no text: the error stays as it is
	}{
		"stream missing": {
			refusal{400, "ResourceNotFoundException", "Stream flow under account 123456789012 not found."}, about, NotFound,
			`stream "flow" not found in account 123456789012, region eu-west-1. Streams there: a, b`,
		},
		"stream missing, names not known": {
			refusal{400, "ResourceNotFoundException", "Stream flow under account 123456789012 not found."}, Subject{Stream: "flow"}, NotFound,
			`stream "flow" not found in account 123456789012.`,
		},
		"no stream at all": {
			refusal{400, "ResourceNotFoundException", "Stream flow under account 123456789012 not found."}, Subject{Stream: "flow", Streams: []string{}}, NotFound,
			`stream "flow" not found in account 123456789012. Streams there: none`,
		},
		"denied": {
			refusal{400, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/x is not authorized to perform: kinesis:ListShards on resource: " + arn + " because no identity-based policy allows the kinesis:ListShards action"},
			about, Denied,
			`AWS denied kinesis:ListShards on ` + arn + `. Add to the policy: {"Effect": "Allow", "Action": "kinesis:ListShards", "Resource": "` + arn + `"}`,
		},
		"denied without words": {
			refusal{400, "AccessDeniedException", ""}, about, Denied,
			`AWS denied kinesis:ListShards on *. Add to the policy: {"Effect": "Allow", "Action": "kinesis:ListShards", "Resource": "*"}`,
		},
		"denied explicitly": {
			refusal{400, "AccessDeniedException", "User: u is not authorized to perform: kinesis:ListShards on resource: " + arn + " with an explicit deny in a service control policy"},
			about, Denied,
			`AWS denied kinesis:ListShards on ` + arn + ` by an explicit deny: find the policy that denies it. AWS says: User: u is not authorized to perform: kinesis:ListShards on resource: ` + arn + ` with an explicit deny in a service control policy`,
		},
		"token expired": {
			refusal{400, "ExpiredTokenException", "The security token included in the request is expired"}, about, Expired,
			"the AWS session token has expired: calls are refused. Renew the credentials; retrying.",
		},
		"key unknown": {
			refusal{400, "UnrecognizedClientException", "The security token included in the request is invalid."}, about, Denied,
			"AWS does not accept the credentials (UnrecognizedClientException: The security token included in the request is invalid.). Check the access key, its secret and the clock of this machine.",
		},
		"throttled":        {refusal{400, "ProvisionedThroughputExceededException", "Rate exceeded"}, about, Throttled, ""},
		"limited":          {refusal{400, "LimitExceededException", "Rate exceeded"}, about, Throttled, ""},
		"KMS throttled":    {refusal{400, "KMSThrottlingException", "Rate exceeded"}, about, Throttled, ""},
		"iterator expired": {refusal{400, "ExpiredIteratorException", "Iterator expired."}, about, Expired, ""},
		"token of a page":  {refusal{400, "ExpiredNextTokenException", "Expired."}, about, Expired, ""},
		"out of order":     {refusal{500, "InternalFailureException", ""}, about, Other, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := refused(t, c.refusal)
			if got := Reason(err); got != c.reason {
				t.Errorf("reason %s, want %s", got, c.reason)
			}
			told := Explain(err, c.about)
			if c.text == "" {
				c.text = err.Error()
			}
			if told.Error() != c.text {
				t.Errorf("told  %s\n want %s", told, c.text)
			}
			if again := Explain(told); !errors.Is(again, told) {
				t.Errorf("explained twice: %v", again)
			}
		})
	}
}

// refused is the error of one ListShards before the handler.
func refused(t *testing.T, h http.Handler) error {
	t.Helper()
	isolate(t, map[string]string{"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "secret"})
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.Start()
	t.Cleanup(server.Close)
	cfg, err := Load(t.Context(), Options{Region: "eu-west-1", EndpointURL: server.URL, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return listShards(t.Context(), cfg)
}

func listShards(ctx context.Context, cfg aws.Config) error {
	_, err := kinesis.NewFromConfig(cfg).ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String("flow")},
		func(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} })
	return err
}

func TestReasonOfNetworkFailures(t *testing.T) {
	cases := map[string]struct {
		http.HandlerFunc
		reason string
	}{
		"hang up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Network},
		"truncated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"Shards":[`)
		}, Network},
		"page of a proxy": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "<html>Bad Gateway</html>")
		}, Other},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := refused(t, c.HandlerFunc)
			if got := Reason(err); got != c.reason {
				t.Errorf("reason of %v: %s, want %s", err, got, c.reason)
			}
		})
	}
}

// Without credentials there is one sentence, and nothing of the SDK on the side.
func TestNoCredentials(t *testing.T) {
	isolate(t, nil)
	stderr := os.Stderr
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = write
	t.Cleanup(func() { os.Stderr = stderr })
	var log bytes.Buffer
	cfg, err := Load(t.Context(), Options{Region: "eu-west-1", Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	err = listShards(t.Context(), cfg)
	os.Stderr = stderr
	write.Close()
	if stray, _ := io.ReadAll(read); len(stray) > 0 {
		t.Errorf("on stderr: %s", stray)
	}
	const want = "no AWS credentials found: tried environment, web identity, shared config, container, instance role." +
		" Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or attach a role."
	if got := Explain(err); got.Error() != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
	if got := Reason(err); got != Denied {
		t.Errorf("reason %s, want %s", got, Denied)
	}
	if log.Len() > 0 {
		t.Errorf("log at info: %s", &log)
	}
}

// The role of an assume-role that is denied is named, not the call behind it.
func TestExplainDeniedRole(t *testing.T) {
	isolate(t, map[string]string{"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "secret"})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
	}))
	defer server.Close()
	cfg, err := Load(t.Context(), Options{Region: "eu-west-1", EndpointURL: server.URL, AssumeRole: "arn:aws:iam::123456789012:role/flow"})
	if err != nil {
		t.Fatal(err)
	}
	err = Explain(listShards(t.Context(), cfg))
	if !strings.HasPrefix(err.Error(), "AWS denied sts:AssumeRole on *. Add to the policy: ") {
		t.Errorf("told %s", err)
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"eu-wst-1": "eu-west-1", "EU-WEST-1": "eu-west-1", "useast-1": "us-east-1", "cn-nort-1": "cn-north-1",
		"us-gov-wset-1": "us-gov-west-1", "": "", "everywhere": "", "eu_central_1": "eu-central-1",
	} {
		if got := nearest.To(name, regions); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
