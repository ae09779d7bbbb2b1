//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTemplateIsClean is cfn-lint on the CloudFormation template, which has to find
// a misspelt attribute too.
func TestTemplateIsClean(t *testing.T) {
	const lint, template = "../.venv/bin/cfn-lint", "../deploy/aws/cloudformation.yaml"
	if out, err := exec.CommandContext(t.Context(), lint, "-t", template).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte(strings.Replace(string(text), "!GetAtt Stream.Arn", "!GetAtt Stream.Anr", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), lint, "-t", wrong).CombinedOutput(); err == nil || !strings.Contains(string(out), "E1010") {
		t.Errorf("a misspelt attribute passes: %v\n%s", err, out)
	}
}

// TestPageOfAWS runs each command of docs/aws.md against moto, in the order of the
// page, and then lets doctor find flow logs on both roads that were made by hand.
func TestPageOfAWS(t *testing.T) {
	page, err := os.ReadFile("../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dir: t.TempDir()}
	w.startServer(t)
	var network stack
	w.run(t, &network, "stack.py", "network")

	program := buildExporter(t)
	// Version 1 of the CLI, which pip has, forgets AWS_ENDPOINT_URL for SQS.
	script := "set -euo pipefail\naws() { command aws --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"; }\n"
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(page, -1)
	for _, block := range blocks {
		script += string(block[1])
	}
	script += "echo \"roads $STREAM $QUEUE $BUCKET\"\n"
	cli, err := filepath.Abs("../.venv/bin")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", strings.ReplaceAll(script, "vpc-0a1b2c3d4e5f67890", network.VPC))
	cmd.Dir = w.dir
	keys := []string{"AWS_ACCESS_KEY_ID=end", "AWS_SECRET_ACCESS_KEY=to-end"}
	cmd.Env = append(w.environment(), append(keys, "AWS_DEFAULT_REGION="+region, "PATH="+filepath.Dir(program)+":"+cli+":"+os.Getenv("PATH"))...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	roads := regexp.MustCompile(`roads (\S+) (\S+) (\S+)`).FindStringSubmatch(string(out))
	if roads == nil || !strings.Contains(string(out), "created/updated stack - flow-logs") {
		t.Fatalf("the page made\n%s", out)
	}
	var put struct {
		FlowLogs int `json:"flow_logs"`
	}
	w.run(t, &put, "stack.py", "hand")
	if put.FlowLogs != 2 {
		t.Errorf("%d flow logs were made by hand, want 2", put.FlowLogs)
	}
	keys = append(keys, "AWS_REGION="+region)
	for _, flags := range [][]string{{"--kinesis.stream", roads[1]}, {"--s3.queue-url", roads[2], "--s3.allow", roads[3] + "/AWSLogs"}} {
		t.Log("\n" + w.exporter(t, program, keys, append([]string{"doctor"}, flags...)...))
	}
	t.Logf("%d blocks, %d commands of aws", len(blocks), strings.Count(script, "\naws ")+strings.Count(script, "$(aws "))
}
