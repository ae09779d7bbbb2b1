package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/flowlog-exporter/flowlog-exporter/deploy/aws"
	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/permit"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
)

// iamSettings are what flags and environment say of a policy alone.
type iamSettings struct {
	keys   list
	caller bool
}

// iamOptions are two of its own, which are no settings of the exporter and have no
// place in its file, and those of run.
func iamOptions(s *settings) [][]option {
	return append([][]option{{
		value(&s.iam.keys, "kms-key", "`ARN` of a KMS key that stream, queue or objects are encrypted with; repeatable").at(noKey),
		toggle(&s.iam.caller, "caller", "print what the credentials need that assume the role of --aws.assume-role").at(noKey),
	}}, runOptions(s)...)
}

func settleIAM(s *settings, paths []string) error {
	var wrong []error
	for _, path := range paths {
		if !source.IsS3(path) {
			wrong = append(wrong, stray([]string{path}))
		} else if err := source.CheckS3(path); err != nil {
			wrong = append(wrong, usagef("%w", err))
		}
	}
	for _, key := range s.iam.keys {
		if a, err := arn.Parse(key); err != nil || a.Service != "kms" || !strings.HasPrefix(a.Resource, "key/") {
			wrong = append(wrong, wrongf("kms-key", " %q is no ARN of a key: it looks like arn:aws:kms:eu-west-1:123456789012:key/ID", key))
		}
	}
	if s.iam.caller && s.assumeRole == "" {
		wrong = append(wrong, wrongf("caller", " is given without --aws.assume-role"))
	}
	s.replay.objects = paths
	if len(paths) > 0 {
		return errors.Join(append(wrong, s.settle())...)
	}
	return errors.Join(append(wrong, settleRun(s, nil))...)
}

// printPolicy prints the policy of these settings, and tells beside it what it
// can't know.
func printPolicy(ctx context.Context, p *program, s *settings, _ []string) error {
	policy, notes := permit.Assume(s.assumeRole), []string(nil)
	if !s.iam.caller {
		needs, err := s.needs(ctx)
		if err != nil {
			return err
		}
		policy, notes = needs.Policy(), s.openEnds(needs)
	}
	for _, note := range notes {
		fmt.Fprintln(p.stderr, "flowlog-exporter:", note)
	}
	if len(policy.Statement) == 0 {
		fmt.Fprintln(p.stderr, "flowlog-exporter: these settings ask nothing of AWS, so they need no policy")
		return nil
	}
	_, err := io.WriteString(p.stdout, policy.String())
	return err
}

// needs is what a run with these settings asks of AWS here and now, and a replay of
// the paths behind them.
func (s *settings) needs(ctx context.Context) (permit.Needs, error) {
	n := permit.Needs{Keys: s.iam.keys, Subnets: s.subnetsFile == ""}
	customers := s.customers(slog.New(slog.DiscardHandler))
	n.Formats = s.fixed == nil && len(customers) > 0 && s.enveloped()
	for _, c := range customers {
		config, err := cloud.Load(ctx, c.options)
		switch {
		case err != nil && !errors.Is(err, cloud.ErrNoRegion):
			return n, usagef("%w", err)
		case c.feed != nil:
			c.feed.needs(config.Region, &n)
		case c.name == archived:
			n.Region = config.Region
		}
	}
	for _, path := range s.replay.objects {
		bucket, prefix, err := source.SplitS3(path)
		if err != nil {
			return n, usagef("%w", err)
		}
		n.Archives = append(n.Archives, permit.Place{Bucket: bucket, Prefix: prefix})
	}
	return n, nil
}

// openEnds are sentences on what the policy says in general terms, or may lack.
func (s *settings) openEnds(n permit.Needs) (notes []string) {
	for _, stream := range n.Streams {
		switch {
		case stream.Known():
		case stream.Region == "":
			notes = append(notes, "account and region of the stream "+stream.Name+" are not known and stand as *; give the stream as an ARN to name them")
		default:
			notes = append(notes, "the account of the stream "+stream.Name+" is not known and stands as *; give the stream as an ARN to name it")
		}
	}
	for _, queue := range n.Queues {
		if queue.Account == "" || queue.Region == "" {
			notes = append(notes, "the URL of the queue "+queue.Name+" does not tell account or region, which stand as *")
		}
		if len(queue.Objects) == 0 {
			notes = append(notes, "all buckets of account "+queue.Account+" may be read for the queue "+queue.Name+"; --s3.allow names those that need be")
		}
	}
	if len(n.Keys) == 0 && len(n.Streams)+len(n.Queues)+len(n.Archives) > 0 {
		notes = append(notes, "what is encrypted with a KMS key of your own needs kms:Decrypt on it as well: pass --kms-key")
	}
	if s.assumeRole != "" {
		notes = append(notes, "this is the policy of "+s.assumeRole+"; with --caller, that of the credentials that assume it")
	}
	return notes
}

// printTemplate prints the CloudFormation template.
func printTemplate(_ context.Context, p *program, _ *settings, _ []string) error {
	_, err := io.WriteString(p.stdout, aws.Template)
	return err
}
