package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
)

// TestFields keeps what is said of formats, as a user gives them.
func TestFields(t *testing.T) {
	for name, args := range map[string][]string{
		"default": {},
		"custom": {"${version} ${vpc-id} ${subnet-id} ${interface-id} ${account-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} " +
			"${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${flow-direction} ${tcp-flags} ${pkt-srcaddr} ${pkt-dstaddr} ${traffic-path} ${reject-reason} ${ecs-task-id}"},
		"poor":    {"version", "bytes"},
		"slips":   {"${srcaddr} ${dstadr} ${flow-direktion} ${bytes} ${nothing-like-it}"},
		"transit": {flowlog.TransitGateway.String()},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil, append([]string{"fields"}, args...)...)
			if status := p.exit(); status != exitOK {
				t.Fatalf("exit status %d: %s", status, p.output)
			}
			golden(t, "testdata/fields-"+name+".txt", p.stdout.String())
		})
	}
}

// TestFieldsOfFlowLogs reads what aws ec2 describe-flow-logs prints, each format once.
func TestFieldsOfFlowLogs(t *testing.T) {
	const described = `{"FlowLogs": [
		{"FlowLogId": "fl-1", "LogFormat": "${srcaddr} ${dstaddr} ${bytes}"}, {"FlowLogId": "fl-2", "LogFormat": "${version}"},
		{"FlowLogId": "fl-3", "LogFormat": "${srcaddr} ${dstaddr} ${bytes}"}]}`
	for _, test := range []struct {
		name, stdin, says string
		status            int
	}{
		{"described", described, "fields: 1, version: 2", exitOK},
		{"a format", `"${version} ${bytes}"` + "\n", "fields: 2, version: 2", exitOK},
		{"no flow log", `{"FlowLogs": []}`, "there is no flow log in it", exitUsage},
		{"no JSON", `{"FlowLogs`, "no answer of aws ec2 describe-flow-logs", exitUsage},
		{"no format", "${nothing}", "none of its fields is known", exitUsage},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "stdin")
			if err := os.WriteFile(path, []byte(test.stdin), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			p := startWith(t, file, nil, "fields", "-")
			if status := p.exit(); status != test.status || !strings.Contains(p.stdout.String()+p.output.String(), test.says) {
				t.Errorf("exit status %d:\n%s%s", status, &p.stdout, p.output)
			}
			if test.name == "described" && strings.Count(p.stdout.String(), "fields: ") != 2 {
				t.Errorf("not each format once:\n%s", &p.stdout)
			}
		})
	}
}

// TestFieldsAreAllTold: a field that is read is in an answer, or said to be shown nowhere;
// what answers name is a field that is read.
func TestFieldsAreAllTold(t *testing.T) {
	var told []string
	for _, a := range answers {
		for _, names := range a.exact {
			told = append(told, names...)
		}
	}
	for _, name := range append(told, unshown...) {
		if f, ok := flowlog.Known(name); !ok || !f.Kept {
			t.Errorf("%s is no field that is read", name)
		}
	}
	for _, name := range flowlog.Fields() {
		f, _ := flowlog.Known(name)
		sameOfTransit := strings.HasPrefix(name, "tgw-") // the interface, zone and account of an attachment
		if f.Kept && !slices.Contains(told, name) && !slices.Contains(unshown, name) && !sameOfTransit {
			t.Errorf("nothing is said of %s", name)
		}
	}
}
