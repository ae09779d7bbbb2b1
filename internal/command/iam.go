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

func iamOptions(s *settings) [][]option {
	return append([][]option{{
		value(&s.iam.keys, "kms-key", "`ARN` of a KMS key that stream, queue or objects are encrypted with; repeatable"),
		toggle(&s.iam.caller, "caller", "print what the credentials need that assume the role of --aws.assume-role"),
	}}, runOptions(s)...)
}

func settleIAM(s *settings, paths []string) error {
	for _, path := range paths {
		if !source.IsS3(path) {
			return stray([]string{path})
		}
		if err := source.CheckS3(path); err != nil {
			return usagef("%w", err)
		}
	}
	for _, key := range s.iam.keys {
		if a, err := arn.Parse(key); err != nil || a.Service != "kms" || !strings.HasPrefix(a.Resource, "key/") {
			return usagef("--kms-key %q is no ARN of a key: it looks like arn:aws:kms:eu-west-1:123456789012:key/ID", key)
		}
	}
	if s.iam.caller && s.assumeRole == "" {
		return usagef("--caller is given without --aws.assume-role")
	}
	s.replay.objects = paths
	if len(paths) > 0 {
		return s.settle()
	}
	return settleRun(s, nil)
}

// printPolicy prints the policy of these settings, and tells beside it what it
// can't know.
func printPolicy(ctx context.Context, p *program, s *settings, _ []string) error {
	policy, notes := permit.Assume(s.assumeRole), []string(nil)
	if !s.iam.caller {
		region, err := s.regionHere(ctx)
		if err != nil {
			return err
		}
		needs, err := s.needs(region)
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

// regionHere is the region that a run here and now would use, "" for none.
func (s *settings) regionHere(ctx context.Context) (string, error) {
	if !s.asksAWS() {
		return "", nil
	}
	config, err := cloud.Load(ctx, cloud.Options{
		Region: s.awsRegion(), Stream: s.stream, EndpointURL: s.endpointURL, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil && !errors.Is(err, cloud.ErrNoRegion) {
		return "", usagef("%w", err)
	}
	return config.Region, nil
}

// needs is what a run with these settings asks of AWS, and a replay of the paths
// behind them.
func (s *settings) needs(region string) (permit.Needs, error) {
	n := permit.Needs{
		Region: region, Stream: s.stream, Keys: s.iam.keys,
		Subnets: s.subnetsFile == "", Formats: s.asksFormats(),
	}
	if s.s3.wanted() {
		n.Queue = &permit.Queue{Region: s.s3.queue.Region, Account: s.s3.queue.Account, Name: s.s3.queue.Name}
	}
	for _, text := range s.s3.allow {
		allowed, err := source.ParseAllowed(text)
		if err != nil {
			return n, usagef("--s3.allow: %w", err)
		}
		place := permit.Place{Bucket: allowed.Bucket}
		if allowed.Prefix != "" {
			place.Prefix = allowed.Prefix + "/"
		}
		n.Objects = append(n.Objects, place)
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
	switch {
	case s.stream != "" && !arn.IsARN(s.stream) && n.Region == "":
		notes = append(notes, "account and region of the stream are not known and stand as *; give the stream as an ARN to name them")
	case s.stream != "" && !arn.IsARN(s.stream):
		notes = append(notes, "the account of the stream is not known and stands as *; give the stream as an ARN to name it")
	}
	if n.Queue != nil && (n.Queue.Account == "" || n.Queue.Region == "" && n.Region == "") {
		notes = append(notes, "the URL of the queue does not tell account or region, which stand as *")
	}
	if n.Queue != nil && len(n.Objects) == 0 {
		notes = append(notes, "all buckets of account "+n.Queue.Account+" may be read; --s3.allow names those that need be")
	}
	if len(n.Keys) == 0 && (s.stream != "" || s.readsS3()) {
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
