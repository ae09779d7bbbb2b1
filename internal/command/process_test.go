package command

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// tree is the root of the project, as seen from here.
const tree = "../.."

// patience is how long a test waits for what must come; it decides nothing but
// when a hanging test fails.
const patience = 30 * time.Second

// binary builds the program once for all tests of the package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "flowlog-exporter")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "flowlog-exporter")
	if out, err := exec.Command("go", "build", "-o", path, tree).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// process is the real binary, running.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer
	output *watched // standard error
	done   chan struct{}
	err    error
}

// start runs the binary with an environment of its own: nothing of the
// machine's AWS settings reaches it.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	return prepare(t, env, args...).begin()
}

// startWith is start with a standard input.
func startWith(t *testing.T, stdin *os.File, env []string, args ...string) *process {
	t.Helper()
	p := prepare(t, env, args...)
	p.cmd.Stdin = stdin
	return p.begin()
}

// startTo is start with another standard output.
func startTo(t *testing.T, stdout *os.File, args ...string) *process {
	t.Helper()
	p := prepare(t, nil, args...)
	p.cmd.Stdout = stdout
	return p.begin()
}

func prepare(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(path, args...), output: newWatched(), done: make(chan struct{})}
	p.cmd.Env = append([]string{"HOME=" + t.TempDir(), "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1"}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, p.output
	return p
}

func (p *process) begin() *process {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	p.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// exit waits for the end of the process and returns its status.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("still running:\n%s", p.output)
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return exit.ExitCode()
	}
	if p.err != nil {
		p.t.Fatal(p.err)
	}
	return 0
}

// stop sends SIGTERM and returns the exit status.
func (p *process) stop() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	return p.exit()
}

// await waits for a match on standard error and returns its first group.
func (p *process) await(pattern string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	match := p.output.await(ctx, regexp.MustCompile(pattern))
	if match == nil {
		p.t.Fatalf("%q did not appear in\n%s", pattern, p.output)
	}
	return match[len(match)-1]
}

// url waits until the process listens and returns its address.
func (p *process) url() string {
	p.t.Helper()
	return "http://" + p.await(`msg="Listening on" address=(\S+)`)
}

// watched is a buffer whose growth can be awaited.
type watched struct {
	mu   sync.Mutex
	grew chan struct{}
	buf  bytes.Buffer
}

func newWatched() *watched { return &watched{grew: make(chan struct{})} }

// Write implements io.Writer.
func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.grew)
	w.grew = make(chan struct{})
	return w.buf.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

func (w *watched) await(ctx context.Context, pattern *regexp.Regexp) []string {
	for {
		w.mu.Lock()
		match, grew := pattern.FindStringSubmatch(w.buf.String()), w.grew
		w.mu.Unlock()
		if match != nil {
			return match
		}
		select {
		case <-grew:
		case <-ctx.Done():
			return nil
		}
	}
}

// get returns the status and body of an answer.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// golden compares got with a file, or rewrites the file under -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test . -update rewrites it.\ngot:\n%s\nwant:\n%s", file, got, strings.TrimSpace(string(want)))
	}
}
