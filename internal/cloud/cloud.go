// Package cloud is the AWS configuration of the process, and plain sentences
// for what AWS refuses.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/flowlog-exporter/flowlog-exporter/internal/nearest"
)

// Options are the choices of the user. Everything that is empty comes from the
// SDK's chain of environment, shared configuration files, container and
// instance role.
type Options struct {
	// Region is where the stream and the subnets are.
	Region string
	// Stream is the name or ARN of the stream; an ARN brings its region.
	Stream string
	// AssumeRole is the ARN of a role to take on with the found credentials.
	AssumeRole string
	// EndpointURL replaces AWS' addresses for every service.
	EndpointURL string
	// Logger takes notes and what the SDK logs; nil is slog.Default.
	Logger *slog.Logger
}

// Load builds the one configuration that all AWS clients of the process share.
// It reads environment and files but calls no service. Its errors are mistakes
// of configuration, told in sentences a user can act on.
func Load(ctx context.Context, o Options) (aws.Config, error) {
	log := o.Logger
	if log == nil {
		log = slog.Default()
	}
	region, err := o.region()
	if err != nil {
		return aws.Config{}, err
	}
	load := []func(*config.LoadOptions) error{
		config.WithLogger(sdkLogger{log}),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(keepConnections)),
	}
	if region != "" {
		load = append(load, config.WithRegion(region))
	}
	if o.EndpointURL != "" {
		load = append(load, config.WithBaseEndpoint(o.EndpointURL))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return aws.Config{}, Explain(err)
	}
	if err := settleRegion(cfg, log); err != nil {
		return aws.Config{}, err
	}
	noteOldNames(log)
	if o.AssumeRole != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(
			sts.NewFromConfig(cfg), o.AssumeRole,
			func(r *stscreds.AssumeRoleOptions) { r.RoleSessionName = "flowlog-exporter" }))
	}
	return cfg, nil
}

// region is the region that the user wrote down, alone or within the ARN.
func (o Options) region() (string, error) {
	if !arn.IsARN(o.Stream) {
		return o.Region, nil
	}
	stream, err := arn.Parse(o.Stream)
	if err != nil || stream.Service != "kinesis" || !strings.HasPrefix(stream.Resource, "stream/") {
		return "", &Problem{Text: fmt.Sprintf(
			"%q is no ARN of a Kinesis stream: it looks like arn:aws:kinesis:eu-west-1:123456789012:stream/NAME", o.Stream)}
	}
	if o.Region != "" && o.Region != stream.Region {
		return "", &Problem{Text: fmt.Sprintf(
			"the stream is in %s, as its ARN says, but -region is %s: leave -region out", stream.Region, o.Region)}
	}
	return stream.Region, nil
}

// ErrNoRegion is in the chain of the error of Load when nothing says the region.
var ErrNoRegion = errors.New("no AWS region")

// settleRegion makes sure that there is a region, and one that can exist. With
// an endpoint URL any name will do, as emulators take any.
func settleRegion(cfg aws.Config, log *slog.Logger) error {
	if cfg.Region == "" {
		return &Problem{Err: ErrNoRegion, Text: "no AWS region: pass -region, set AWS_REGION, or give the stream as an ARN" +
			" (the original defaulted to eu-west-1)"}
	}
	if cfg.BaseEndpoint != nil || endpointInEnvironment() {
		return nil
	}
	known, err := checkRegion(cfg.Region)
	if err == nil && !known {
		log.Warn("AWS region is not known to this build, using it all the same", "region", cfg.Region, "nearest", nearest.To(cfg.Region, regions))
	}
	return err
}

// endpointInEnvironment reports whether a single service has an address of its
// own, as AWS_ENDPOINT_URL_KINESIS.
func endpointInEnvironment() bool {
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "AWS_ENDPOINT_URL_") && value != "" {
			return true
		}
	}
	return false
}

// noteOldNames says once that credentials come from the names of old tools,
// which the SDK reads where the usual ones are not set.
func noteOldNames(log *slog.Logger) {
	for old, usual := range map[string]string{"AWS_ACCESS_KEY": "AWS_ACCESS_KEY_ID", "AWS_SECRET_KEY": "AWS_SECRET_ACCESS_KEY"} {
		if os.Getenv(old) != "" && os.Getenv(usual) == "" {
			log.Info("credentials taken from AWS_ACCESS_KEY and AWS_SECRET_KEY; the usual names are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
			return
		}
	}
}

// keepConnections lets every shard keep its connection between two calls; the
// SDK's own bound is 10 for a host.
func keepConnections(t *http.Transport) {
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 1024, 1024
}

// sdkLogger sends what the SDK has to say to the log of the process. What
// matters of it comes back as an error too, so it is for debugging only.
type sdkLogger struct{ log *slog.Logger }

func (l sdkLogger) Logf(level logging.Classification, format string, args ...any) {
	l.log.Debug(fmt.Sprintf(format, args...), "from", "aws-sdk", "sdk_level", string(level))
}
