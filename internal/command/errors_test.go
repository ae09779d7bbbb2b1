package command

import (
	"fmt"
	"net"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
)

// mishap is a way to start the exporter wrongly, and what it says.
type mishap struct {
	name   string
	args   []string
	env    []string
	status int
	// running, when set, is the line after which a program that AWS refuses is
	// asked whether it is ready, and stopped.
	running string
	remark  string
}

var keys = []string{"AWS_ACCESS_KEY_ID=AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY=example"}

// mishaps need a port that is taken and an endpoint that has another stream.
func mishaps(taken, endpoint string) []mishap {
	aws := append([]string{"AWS_ENDPOINT_URL_KINESIS=" + endpoint}, keys...)
	return []mishap{
		{
			name: "The stream does not exist", status: exitOK, running: `stream \\"nope\\" not found`, env: aws,
			args:   []string{"-stream", "nope", "-region", "eu-west-1", "--subnets.file", "testdata/subnets.txt", "-port", "PORT"},
			remark: "An AWS failure never ends the exporter. It serves, is not ready, and goes on trying.",
		},
		{
			name: "There are no credentials", status: exitOK, running: "no AWS credentials found",
			args: []string{"-stream", "vpc-flow-logs", "-region", "eu-west-1", "--subnets.file", "testdata/subnets.txt", "-port", "PORT"},
		},
		{
			name: "There are no credentials, and that must not be", status: exitUnhealthy,
			args: []string{"-stream", "vpc-flow-logs", "-region", "eu-west-1", "--subnets.file", "testdata/subnets.txt", "-port", "PORT", "--require-healthy"},
		},
		{name: "There is no region", status: exitUsage, env: keys, args: []string{"-stream", "vpc-flow-logs"}},
		{
			name: "The region has a slip", status: exitUsage, env: keys,
			args: []string{"-stream", "vpc-flow-logs", "-region", "eu-wst-1"},
		},
		{
			name: "The port is in use", status: exitRuntime, env: keys,
			args: []string{"-stream", "vpc-flow-logs", "-region", "eu-west-1", "--web.listen-address", taken},
		},
		{name: "There is nothing to read", status: exitUsage, args: []string{"run"}},
		{name: "A flag has a slip", status: exitUsage, args: []string{"--kinesis.straem", "vpc-flow-logs"}},
		{name: "The configuration file has slips", status: exitUsage, args: []string{"check", "testdata/broken.yml"}},
		{
			name: "The subnet file has slips", status: exitUsage,
			args: []string{"replay", "--subnets.file", "testdata/subnets-bad.txt", "testdata/default.log"},
		},
	}
}

// TestErrors runs the real binary into each mishap. What it says is
// docs/errors.md; go test ./internal/command -run TestErrors -update writes the page.
func TestErrors(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	aws := httptest.NewServer(&demo.Kinesis{Stream: "vpc-flow-logs"})
	defer aws.Close()

	page := &strings.Builder{}
	page.WriteString("# What the exporter says when something is wrong\n\n" +
		"Each transcript is from the real binary; times and addresses are evened out.\n")
	for _, m := range mishaps(listener.Addr().String(), aws.URL) {
		t.Run(m.name, func(t *testing.T) { m.transcribe(t, page) })
	}
	golden(t, tree+"/docs/errors.md", page.String())
}

func (m mishap) transcribe(t *testing.T, page *strings.Builder) {
	args := strings.Split(strings.ReplaceAll(strings.Join(m.args, "\x00"), "-port\x00PORT", "--web.listen-address\x00127.0.0.1:0"), "\x00")
	p := start(t, m.env, args...)
	fmt.Fprintf(page, "\n## %s\n\n", m.name)
	if m.remark != "" {
		page.WriteString(m.remark + "\n\n")
	}
	shown := strings.ReplaceAll(strings.Join(m.args, " "), " -port PORT", "")
	fmt.Fprintf(page, "```console\n$ flowlog-exporter %s\n", regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(shown, "127.0.0.1:8080"))
	var status int
	if m.running != "" {
		url := p.url()
		line := p.await(`(?m)^.*` + m.running + `.*$`)
		code, reason := get(t, url+"/-/ready")
		status = p.stop()
		fmt.Fprintf(page, "%s\n$ curl -s -w '%%{http_code}' localhost:8080/-/ready\n%s%d\n$ kill -TERM %%1; wait %%1; echo $?\n%d\n",
			even(line), even(reason), code, status)
	} else {
		status = p.exit()
		fmt.Fprintf(page, "%s\n$ echo $?\n%d\n", even(complaint(p.output.String())), status)
	}
	page.WriteString("```\n")
	if status != m.status {
		t.Errorf("exit status %d, want %d:\n%s", status, m.status, p.output)
	}
}

// complaint is the last thing a program says, without the log before it.
func complaint(output string) string {
	i := strings.Index(output, "flowlog-exporter: ")
	if i < 0 {
		return output
	}
	return strings.TrimSpace(output[i:])
}

// even takes out what differs from run to run.
func even(s string) string {
	for _, r := range []struct{ pattern, by string }{
		{`time=\S+ `, ""}, {`source=\S+\.go:\d+ `, ""}, {`127\.0\.0\.1:\d+`, "127.0.0.1:8080"},
		{`RequestID: [0-9A-Za-z-]+`, "RequestID: …"},
	} {
		s = regexp.MustCompile(r.pattern).ReplaceAllString(s, r.by)
	}
	return s
}

// TestNothingSecretIsSaid: the credentials in the environment reach no output.
func TestNothingSecretIsSaid(t *testing.T) {
	aws := httptest.NewServer(&demo.Kinesis{Stream: "vpc-flow-logs"})
	defer aws.Close()
	p := start(t, []string{"AWS_ENDPOINT_URL=" + aws.URL, "AWS_ACCESS_KEY=AKIACANARY", "AWS_SECRET_KEY=secret-canary", "AWS_SESSION_TOKEN=token-canary"},
		"-stream", "nope", "-region", "eu-west-1", "--web.listen-address", "127.0.0.1:0", "-debug", "--subnets.file", "testdata/subnets.txt")
	url := p.url()
	p.await("not found")
	_, metrics := get(t, url+"/metrics")
	_, ready := get(t, url+"/-/ready")
	p.stop()
	for _, canary := range []string{"AKIACANARY", "secret-canary", "token-canary"} {
		if strings.Contains(p.output.String()+metrics+ready, canary) {
			t.Errorf("%s was said:\n%s", canary, p.output)
		}
	}
}
