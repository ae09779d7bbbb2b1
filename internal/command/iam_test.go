package command

import (
	"strings"
	"testing"
)

// TestIAM prints the policy of each kind of configuration.
func TestIAM(t *testing.T) {
	const (
		stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/vpc-flow-logs"
		queue  = "https://sqs.eu-west-1.amazonaws.com/123456789012/flow-logs"
		role   = "arn:aws:iam::123456789012:role/reader"
		key    = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
	)
	for _, c := range []struct{ name, args, notes string }{
		{"kinesis", "--kinesis.stream " + stream + " --kms-key " + key, ""},
		{"kinesis-without-ec2", "--kinesis.stream " + stream + " --kms-key " + key + " --format version,srcaddr --subnets.file testdata/subnets.txt", ""},
		{"kinesis-by-name", "-stream vpc-flow-logs -region cn-north-1 --kms-key " + strings.Replace(key, "aws", "aws-cn", 1), "account of the stream vpc-flow-logs is not known and stands as *"},
		{"kinesis-nowhere", "-stream vpc-flow-logs", "account and region of the stream vpc-flow-logs are not known"},
		{"s3", "--s3.queue-url " + queue + " --s3.allow BUCKET/AWSLogs", "pass --kms-key"},
		{"s3-any-bucket", "--s3.queue-url " + queue + " --kms-key " + key, "all buckets of account 123456789012"},
		{"firehose", "-region eu-west-1 --firehose.listen :0 --firehose.insecure-no-key", ""},
		{"replay", "-region eu-west-1 --subnets.file testdata/subnets.txt s3://BUCKET/AWSLogs/", "pass --kms-key"},
		{"role", "--kinesis.stream " + stream + " --aws.assume-role " + role, "with --caller"},
		{"caller", "--kinesis.stream " + stream + " --aws.assume-role " + role + " --caller", ""},
		{"file", "--config.file testdata/inputs.yml --kms-key " + key, "all buckets of account 210987654321 may be read for the queue more"},
		{"nothing", "--subnets.file testdata/subnets.txt --file.path testdata/default.log", "need no policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, nil, append([]string{"iam"}, strings.Fields(strings.ReplaceAll(c.args, "BUCKET", "bucket"))...)...)
			if status := p.exit(); status != exitOK {
				t.Fatalf("exit status %d:\n%s", status, p.output)
			}
			golden(t, "testdata/iam-"+c.name+".json", p.stdout.String())
			if said := p.output.String(); !strings.Contains(said, c.notes) || c.notes == "" && said != "" {
				t.Errorf("said %q, want %q", said, c.notes)
			}
		})
	}
}

func TestIAMRefuses(t *testing.T) {
	for _, c := range []struct{ name, args, says string }{
		{"nothing to read", "iam", "nothing to read"},
		{"a word", "iam -stream s nonsense", `"nonsense" is no command`},
		{"no bucket", "iam s3://", "names no objects"},
		{"no key", "iam -stream s --kms-key alias/x", "is no ARN of a key"},
		{"another ARN", "iam -stream arn:aws:s3:::bucket", "is no ARN of a Kinesis stream"},
		{"a slip in the region", "iam -stream s -region eu-wst-1", "did you mean eu-west-1?"},
		{"a slip in the file", "iam --config.file testdata/broken.yml", "testdata/broken.yml:"},
		{"its own flag in the file", "iam --config.file testdata/kms.yml", "kms_key"},
		{"nobody to be called by", "iam -stream s --caller", "without --aws.assume-role"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, nil, strings.Fields(c.args)...)
			if status := p.exit(); status != exitUsage || !strings.Contains(p.output.String(), c.says) {
				t.Errorf("exit status %d: %s", status, p.output)
			}
		})
	}
}
