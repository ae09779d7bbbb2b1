package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// Content says how records are read.
type Content struct {
	// Format is the format of the lines; nil is to be asked of AWS.
	Format *flowlog.Format
	// MaxInflated is how large a message may become.
	MaxInflated int64
}

// content decodes the newest records until one is a flow log.
func (s *stream) content(ctx context.Context) Finding {
	if len(s.records) == 0 {
		return Skipped("there is no record to look into")
	}
	s.asked = &formats{ctx: ctx, aws: s.AWS}
	said := &sayings{}
	reader := flowlog.NewReader(flowlog.Options{MaxInflated: s.Content.MaxInflated, Formats: s.asked, Logger: slog.New(said)})
	var lines, foreign, other, probes uint64
	for i := len(s.records) - 1; i >= 0 && lines == 0; i-- {
		_ = reader.Read(flow.Body{Data: s.records[i].data}, func(b *flowlog.Block) error { // of data in memory it has no error
			lines += uint64(len(b.Records)) + b.Skipped[flow.NoData] + b.Skipped[flow.SkipData]
			probes += b.Skipped[flow.Control]
			foreign += b.Skipped[flow.Format] + b.Skipped[flow.Malformed]
			for _, n := range b.Failures {
				other += n
			}
			return nil
		})
	}
	switch {
	case lines > 0:
		return Passed("%d flow log records, read by the %s", lines, s.asked.used())
	case foreign > 0:
		return Broken(fmt.Errorf("the newest records have lines of another format: %s", said), "")
	case other > 0:
		return Broken(fmt.Errorf("the newest records are no flow logs: %s", said), "read another stream, or let only flow logs into this one")
	case probes > 0:
		return Passed("a probe of CloudWatch Logs: the subscription is there, and waits for flow logs")
	}
	return Broken(errors.New("the newest records are empty"), "let only flow logs into this stream")
}

// formats answers the reader with what AWS knows of a log group.
type formats struct {
	ctx   context.Context
	aws   *AWS
	group string
	logs  []types.FlowLog
	err   error
	set   *flowlog.Set
}

// For implements flowlog.Formats. The first log group is the one that is told of.
func (f *formats) For(name []byte) *flowlog.Set {
	if f.set != nil {
		return f.set
	}
	f.group = string(name)
	if f.group != "" && f.aws.Content.Format == nil {
		f.logs, f.err = f.ask()
	}
	f.set = f.known()
	return f.set
}

func (f *formats) ask() ([]types.FlowLog, error) {
	out, err := vpc.Calls(ec2.NewFromConfig(f.aws.Config)).DescribeFlowLogs(f.ctx, &ec2.DescribeFlowLogsInput{
		Filter: []types.Filter{{Name: aws.String("log-group-name"), Values: []string{f.group}}},
	})
	if err != nil {
		return nil, err
	}
	return out.FlowLogs, nil
}

func (f *formats) known() *flowlog.Set {
	if f.aws.Content.Format != nil {
		return flowlog.Fixed(f.aws.Content.Format)
	}
	var known []*flowlog.Format
	for _, l := range f.logs {
		if format, err := flowlog.ParseFormat(aws.ToString(l.LogFormat)); err == nil {
			known = append(known, format)
		}
	}
	return flowlog.Fixed(known...)
}

func (f *formats) used() string {
	switch {
	case f.set == nil:
		return "header of the text"
	case f.set.String() == flowlog.Fixed().String():
		return "default format"
	}
	return f.set.String()
}

// logGroup tells of the flow logs that write to the log group of the newest
// records.
func (s *stream) logGroup(context.Context) Finding {
	f := s.asked
	var api smithy.APIError
	switch {
	case f == nil || f.group == "":
		return Skipped("the newest records name none")
	case s.Content.Format != nil:
		return Skipped("%s; its format is that of --format", flowlog.Printable(f.group))
	case errors.As(f.err, &api) && cloud.IsDenial(api.ErrorCode()):
		return Skipped("%s; ec2:DescribeFlowLogs is not allowed, so its format is taken for the default: allow it, or pass --format", flowlog.Printable(f.group))
	case f.err != nil:
		return s.refused(f.err, cloud.Subject{})
	case len(f.logs) == 0:
		return Skipped("%s; no flow log of this account and region writes there, so its format is taken for the default: pass --format where it is not", flowlog.Printable(f.group))
	}
	for _, l := range f.logs {
		if status := aws.ToString(l.DeliverLogsStatus); status == "FAILED" {
			return Broken(fmt.Errorf("flow log %s cannot write to %s: %s", aws.ToString(l.FlowLogId), flowlog.Printable(f.group), aws.ToString(l.DeliverLogsErrorMessage)),
				"see that its role may write to the log group, and is trusted to vpc-flow-logs.amazonaws.com")
		}
	}
	return Passed("%s; %s", flowlog.Printable(f.group), each(f.logs))
}

func each(logs []types.FlowLog) string {
	var words []string
	for _, l := range logs {
		words = append(words, fmt.Sprintf("%s of %s, %s, every %d s",
			aws.ToString(l.FlowLogId), aws.ToString(l.ResourceId), l.TrafficType, aws.ToInt32(l.MaxAggregationInterval)))
	}
	return strings.Join(words, "; ")
}

// sayings is a log handler that keeps the first warning.
type sayings struct{ text string }

// String returns it.
func (s *sayings) String() string { return s.text }

// Enabled implements slog.Handler.
func (s *sayings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle implements slog.Handler.
func (s *sayings) Handle(_ context.Context, r slog.Record) error {
	if s.text == "" {
		s.text = r.Message
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (s *sayings) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup implements slog.Handler.
func (s *sayings) WithGroup(string) slog.Handler { return s }
