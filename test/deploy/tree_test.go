// Package deploy holds the tests of everything around the program: the image, the
// packages and the units, made by `make` in fresh clones and used as a user would.
package deploy

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// version is the tag that the clones have.
const version = "v1.2.3"

// scratch is a folder for what several tests share; its clones are made once.
var scratch string

func TestMain(m *testing.M) {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "the tests of the deployment need root, for chroot and another user's id: sudo make deploy-test")
		os.Exit(1)
	}
	var err error
	if scratch, err = os.MkdirTemp("", "deploy"); err != nil {
		panic(err)
	}
	_ = os.Chmod(scratch, 0o755) //nolint:gosec // another user runs what is unpacked here
	status := m.Run()
	os.RemoveAll(scratch)
	os.Exit(status)
}

// origin is a repository of the files of the working tree, in one commit that is
// the same whenever the files are. The copies of a test are cloned from it.
var origin = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(scratch, "origin")
	const script = `set -e
		mkdir -p "$1"
		(cd ../.. && git ls-files -co --exclude-standard -z | tar --null -T - --ignore-failed-read -cf -) | tar -xf - -C "$1"
		cd "$1"
		git init -q -b main .
		git add -A
		git -c user.name=test -c user.email=test@example.com commit -q -m 'As it is'
		git tag "$2"`
	cmd := exec.Command("bash", "-c", script, "bash", dir, version)
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2026-11-27T12:00:00Z", "GIT_COMMITTER_DATE=2026-11-27T12:00:00Z")
	said, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	return dir, nil
})

// clone returns a fresh clone of the tree.
func clone(t *testing.T, name string) string {
	t.Helper()
	from, err := origin()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(scratch, name)
	if _, err := os.Stat(dir); err != nil {
		run(t, scratch, nil, "git", "clone", "-q", from, dir)
	}
	return dir
}

// run runs a command to its end and returns what it wrote. The settings of a make
// around the test are not handed on.
func run(t *testing.T, dir string, env []string, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = dir
	for _, kv := range os.Environ() {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "DOCKER", "DOCKERREPO", "DOCKERTAG", "PLATFORMS", "RELEASES", "SOURCE_DATE_EPOCH":
		default:
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(command, " "), err, said, errs.Bytes())
	}
	return string(said)
}

// process is the exporter at work.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu    sync.Mutex
	said  bytes.Buffer
	heard chan struct{} // a hint that there is more
}

// Write takes what the process says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.heard <- struct{}{}:
	default:
	}
	return p.said.Write(b)
}

// start starts a process that ends with the test.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, ended: make(chan struct{}), heard: make(chan struct{}, 1)}
	cmd.Stdout, cmd.Stderr = p, p
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the status stays in cmd.ProcessState
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// await waits until the process says the pattern, and returns its first group.
func (p *process) await(t *testing.T, pattern string) string {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		p.mu.Lock()
		found := regexp.MustCompile(pattern).FindStringSubmatch(p.said.String())
		said := p.said.String()
		p.mu.Unlock()
		if found != nil {
			return found[1]
		}
		select {
		case <-p.heard:
		case <-p.ended:
			t.Fatalf("ended (%v) without saying %s:\n%s", p.cmd.ProcessState, pattern, said)
		case <-limit:
			t.Fatalf("did not say %s:\n%s", pattern, said)
		}
	}
}

// received returns the sum of what the subnets received, of a scrape that has any.
func received(t *testing.T, address string) float64 {
	t.Helper()
	line := regexp.MustCompile(`(?m)^flowlog_received_bytes_total\{.*\} (\S+)$`)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(time.Minute); ; {
		page, err := get("http://" + address + "/metrics")
		sum := 0.0
		for _, found := range line.FindAllStringSubmatch(page, -1) {
			var value float64
			_, _ = fmt.Sscan(found[1], &value) // what is no number is 0
			sum += value
		}
		if sum > 0 {
			return sum
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("no traffic on http://%s/metrics: %v\n%s", address, err, page)
		}
	}
}

// get returns the body of an answer with status 200.
func get(url string) (string, error) {
	answer, err := http.Get(url) //nolint:gosec // an address of the test's own
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = cmp.Or(err, fmt.Errorf("status %d", answer.StatusCode))
	}
	return string(body), err
}
