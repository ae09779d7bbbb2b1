package command

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// outside is what the exporter reads from and asks.
type outside struct {
	aws     aws.Config
	loader  vpc.Loader
	formats flowlog.Formats
}

// connect prepares what the settings ask for. It calls nobody yet; its errors
// are mistakes in the settings.
func (s *settings) connect(ctx context.Context, log *slog.Logger) (*outside, error) {
	o := &outside{}
	var groups func(context.Context, string) ([]string, error) // formats by log group
	if s.stream != "" || s.readsS3() || s.subnetsFile == "" {
		var err error
		o.aws, err = cloud.Load(ctx, cloud.Options{
			Region: s.awsRegion(), Stream: s.stream, AssumeRole: s.assumeRole, EndpointURL: s.endpointURL, Logger: log,
		})
		if err != nil && s.stream == "" && !s.readsS3() {
			return nil, usagef("the subnets are asked of EC2 without --subnets.file, but %w", err)
		}
		if err != nil {
			return nil, usagef("%w", err)
		}
		explain := func(err error) error { return cloud.Explain(err) }
		asked := &vpc.EC2{Client: vpc.Calls(ec2.NewFromConfig(o.aws)), Explain: explain, Logger: log}
		o.loader, groups = asked, asked.LogFormats
	}
	if s.subnetsFile != "" {
		o.loader = vpc.File{Path: s.subnetsFile}
		if _, _, err := o.loader.Load(ctx); err != nil {
			return nil, usagef("%w", err)
		}
	}
	o.formats = s.formats(groups, log)
	return o, nil
}

// readsS3 reports whether objects are read, as a queue tells of them or as they are
// listed.
func (s *settings) readsS3() bool { return s.s3.wanted() || len(s.replay.objects) > 0 }

// awsRegion is the region that the flags say; a queue's URL says one too.
func (s *settings) awsRegion() string {
	if s.stream == "" {
		return cmp.Or(s.region, s.s3.queue.Region)
	}
	return s.region
}

// asksFormats reports whether AWS is asked for the formats of log groups, which
// only envelopes name.
func (s *settings) asksFormats() bool { return s.fixed == nil && s.stream != "" }

// formats decides how the formats of lines are found.
func (s *settings) formats(groups func(context.Context, string) ([]string, error), log *slog.Logger) flowlog.Formats {
	switch {
	case s.fixed != nil:
		return flowlog.Fixed(s.fixed)
	case groups != nil && s.asksFormats():
		return &flowlog.Lookup{Ask: groups, Refresh: s.subnetsRefresh, Logger: log}
	}
	return flowlog.Fixed(flowlog.Default, flowlog.TransitGateway)
}

// kinesis returns the source that reads the stream.
func (s *settings) kinesis(o *outside, e *engine, metrics *source.Metrics) *source.Kinesis {
	return &source.Kinesis{
		Name: "kinesis", Stream: s.stream, AWS: o.aws, Handler: e, Places: e.ledger.Of("kinesis"),
		Start: s.from, WantShards: s.shards, PollInterval: s.pollInterval, MaxBuffered: int(s.maxBuffered), Metrics: metrics, Logger: e.log,
	}
}
