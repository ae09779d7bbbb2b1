//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	python = "../.venv/bin/python"
	region = "eu-west-1"
	stream = "flow-logs" // as aws.py names it
)

// world is moto's server and the scripts that speak to it. What was created and
// put is noted in dir, where truth.py finds it.
type world struct {
	dir, endpoint string
	server        *process
}

// startWorld starts the server and creates VPCs, log groups and the stream.
func startWorld(t *testing.T) *world {
	t.Helper()
	if _, err := os.Stat(python); err != nil {
		t.Fatalf("%v: run make tools first", err)
	}
	w := &world{dir: t.TempDir()}
	w.server = start(t, "moto", exec.CommandContext(t.Context(), python, "-B", "moto_server.py"))
	w.endpoint = "http://" + w.server.awaitLine(t, `listening (\S+)\n`)
	w.run(t, nil, "aws.py", "world")
	return w
}

// run starts a script with the world's folder and reads its answer, JSON.
func (w *world) run(t *testing.T, answer any, script, command string, args ...string) {
	t.Helper()
	words := append([]string{"-B", script}, strings.Fields(command)...)
	cmd := exec.CommandContext(t.Context(), python, append(append(words, w.dir), args...)...)
	cmd.Env = append(w.environment(), "AWS_ACCESS_KEY_ID=end", "AWS_SECRET_ACCESS_KEY=to-end", "AWS_DEFAULT_REGION="+region)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", script, command, err, complaint.String())
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatalf("%s %s answered %q: %v", script, command, out, err)
	}
}

// environment is all that a program of the test knows: nothing of the machine's
// own AWS settings.
func (w *world) environment() []string {
	return []string{"AWS_ENDPOINT_URL=" + w.endpoint, "AWS_EC2_METADATA_DISABLED=true", "HOME=" + w.dir, "PATH=" + os.Getenv("PATH")}
}

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

// truth is what the metrics must be, by truth.py.
type truth struct {
	Metrics                          map[string]expected
	Subnets, Bodies, Lines, Rejected int
}

// expected is one metric: all its series, summed by some of their labels.
type expected struct {
	By     []string
	Series []struct {
		Labels []string
		Value  uint64
	}
}

// truth works out the metrics from all lines that were put so far.
func (w *world) truth(t *testing.T) *truth {
	t.Helper()
	var answer truth
	w.run(t, &answer, "truth.py", "")
	return &answer
}

// shard is one shard of the stream, as the server tells.
type shard struct {
	ID      string
	Parents []string
	Closed  bool
	Records int
}

func (w *world) shards(t *testing.T) []shard {
	t.Helper()
	var answer []shard
	w.run(t, &answer, "aws.py", "shards")
	return answer
}
