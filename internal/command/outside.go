package command

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// outside is what the exporter reads from and asks.
type outside struct {
	aws     map[string]aws.Config // by the name of the input
	loader  vpc.Loader
	formats flowlog.Formats
}

// archived is the name under which a replay has its objects, and their configuration.
const archived = "s3"

// connect prepares what the settings ask for. It calls nobody yet; its errors
// are mistakes in the settings.
func (s *settings) connect(ctx context.Context, log *slog.Logger) (*outside, error) {
	asked, configs, err := s.clouds(ctx, log)
	if err != nil {
		return nil, err
	}
	o := &outside{aws: configs}
	if o.loader, err = s.subnets(ctx, asked); err != nil {
		return nil, usagef("%w", err)
	}
	o.formats = s.formats(asked, log)
	return o, nil
}

// clouds returns the AWS configuration of each input that needs one, and EC2 of all
// their regions; without such inputs that of the settings, when it is EC2 who knows
// the subnets.
func (s *settings) clouds(ctx context.Context, log *slog.Logger) (asked regions, configs map[string]aws.Config, err error) {
	loaded := map[cloud.Options]aws.Config{}
	load := func(o cloud.Options) (aws.Config, error) {
		if !arn.IsARN(o.Stream) {
			o.Stream = "" // a name says nothing of the region
		}
		if config, ok := loaded[o]; ok {
			return config, nil
		}
		config, err := cloud.Load(ctx, o)
		if err == nil {
			loaded[o] = config
			asked.add(config, log)
		}
		return config, err
	}
	configs = map[string]aws.Config{}
	for _, c := range s.customers(log) {
		if configs[c.name], err = load(c.options); err != nil {
			return nil, nil, usagef("%w", c.refused(err))
		}
	}
	return asked, configs, nil
}

// subnets returns who knows the subnets, after a first look at what is no call.
func (s *settings) subnets(ctx context.Context, asked regions) (vpc.Loader, error) {
	loader := vpc.Loader(asked)
	if s.subnetsFile != "" {
		file := vpc.File{Path: s.subnetsFile}
		if _, _, err := file.Load(ctx); err != nil {
			return nil, err
		}
		loader = file
	}
	more, err := s.staticSubnets()
	if err != nil || len(more) == 0 {
		return loader, err
	}
	return extended{loader, more}, nil
}

// unsaid are the formats of lines of which nobody says one.
var unsaid = flowlog.Fixed(flowlog.Default, flowlog.TransitGateway)

// formats decides how the formats of lines are found: what comes by a log group is
// asked for, and the envelopes of Firehose name one too.
func (s *settings) formats(asked regions, log *slog.Logger) flowlog.Formats {
	if s.fixed != nil {
		return flowlog.Fixed(s.fixed)
	}
	if len(asked) > 0 && s.enveloped() {
		return &flowlog.Lookup{Ask: asked.logFormats, Refresh: s.subnetsRefresh, Default: unsaid, Logger: log}
	}
	return unsaid
}

// enveloped reports whether something is read that comes with the name of a log group.
func (s *settings) enveloped() bool {
	return slices.ContainsFunc(s.inputs, func(r feed) bool { return r.kind == "kinesis" || r.kind == "firehose" })
}

// regions are EC2 in each region that is read from.
type regions []region

type region struct {
	name string
	*vpc.EC2
}

// add adds the region of a configuration, once.
func (r *regions) add(config aws.Config, log *slog.Logger) {
	for _, known := range *r {
		if known.name == config.Region {
			return
		}
	}
	explain := func(err error) error { return cloud.Explain(err) }
	*r = append(*r, region{config.Region, &vpc.EC2{Client: vpc.Calls(ec2.NewFromConfig(config)), Explain: explain, Logger: log}})
}

// Load implements vpc.Loader: the subnets of all regions.
func (r regions) Load(ctx context.Context) (subnets []flow.Subnet, interfaces []vpc.Interface, err error) {
	for _, region := range r {
		more, also, err := region.Load(ctx)
		if err != nil {
			return nil, nil, err
		}
		subnets, interfaces = append(subnets, more...), append(interfaces, also...)
	}
	return subnets, interfaces, nil
}

// logFormats returns the formats of the flow logs that write to the log group, in any
// region. One that answers is enough.
func (r regions) logFormats(ctx context.Context, group string) (formats []string, err error) {
	var failed []error
	for _, region := range r {
		more, err := region.LogFormats(ctx, group)
		formats, failed = append(formats, more...), append(failed, err)
	}
	if len(formats) > 0 {
		return formats, nil
	}
	return nil, errors.Join(failed...)
}

// extended is an address book with subnets that the settings list beside it.
type extended struct {
	vpc.Loader
	more []flow.Subnet
}

// Load implements vpc.Loader.
func (l extended) Load(ctx context.Context) ([]flow.Subnet, []vpc.Interface, error) {
	subnets, interfaces, err := l.Loader.Load(ctx)
	if err != nil {
		return nil, nil, err
	}
	return append(subnets[:len(subnets):len(subnets)], l.more...), interfaces, nil
}
