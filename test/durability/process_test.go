//go:build durability

// Package durability does to the real binary what machines do to programs: it
// kills it, stops it, fills its disk, damages its state, floods it and starves
// it. What is counted must be what was put, whatever happens.
//
// The go command does not see that the tests depend on the binary that they
// build: run them with -count 1.
package durability

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must come; it decides nothing but
// when a hanging test fails.
const patience = 60 * time.Second

// programs are built once for all tests.
var programs struct {
	exporter string
	promql   func() (string, error)
}

// TestMain builds the exporter, or takes the one that FLOWLOG_BINARY names. As a
// watcher it does nothing else.
func TestMain(m *testing.M) {
	if url := os.Getenv(watching); url != "" {
		if err := look(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "durability")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		programs.exporter = os.Getenv("FLOWLOG_BINARY")
		if programs.exporter == "" {
			programs.exporter = filepath.Join(dir, "flowlog-exporter")
			if err := build("../..", programs.exporter); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		programs.promql = sync.OnceValues(func() (string, error) {
			file := filepath.Join(dir, "promql")
			return file, build("../../tools/promql", file)
		})
		return m.Run()
	}())
}

func build(module, file string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", file, ".")
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build in %s: %w\n%s", module, err, out)
	}
	return nil
}

// process is the exporter, running.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *watched // standard error
	done   chan struct{}
	client *http.Client
}

// launch starts a command. It is killed at the end of the test at the latest.
func launch(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, output: newWatched(), done: make(chan struct{})}
	p.client = &http.Client{Timeout: patience, Transport: &http.Transport{}}
	cmd.Stderr = p.output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // the status stays in cmd.ProcessState
		close(p.done)
	}()
	t.Cleanup(p.kill)
	return p
}

// kill ends the process as kill -9 does and waits until it is gone. A killed
// process may be killed again.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
	p.client.CloseIdleConnections()
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%v: %v\n%s", s, err, p.output)
	}
}

// exit waits for the end of the process and returns its status.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("still running:\n%s", p.output)
		return 0
	}
}

// stop sends SIGTERM; the process must end well, and within the ten seconds
// that are promised. It returns how long that took.
func (p *process) stop() time.Duration {
	p.t.Helper()
	asked := time.Now()
	p.signal(syscall.SIGTERM)
	if status := p.exit(); status != 0 {
		p.t.Errorf("exit status %d:\n%s", status, p.output)
	}
	took := time.Since(asked)
	if took > 10*time.Second {
		p.t.Errorf("the end took %v", took)
	}
	return took
}

// running reports that the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// await waits for a match on standard error and returns its last group.
func (p *process) await(pattern string) string {
	p.t.Helper()
	match, err := p.match(pattern)
	if err != nil {
		p.t.Fatal(err)
	}
	return match
}

func (p *process) match(pattern string) (string, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	go func() {
		select {
		case <-p.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	match := p.output.await(ctx, regexp.MustCompile(pattern))
	if match == nil {
		return "", fmt.Errorf("%q did not appear in\n%s", pattern, p.output)
	}
	return match[len(match)-1], nil
}

const listening = `msg="Listening on" address=(\S+)`

// url waits until the process listens and returns its address.
func (p *process) url() string {
	p.t.Helper()
	return "http://" + p.await(listening)
}

// watched is a buffer whose growth can be awaited. Safe for concurrent use.
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

// String returns the end of what was written.
func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.buf.Bytes()
	return string(text[max(0, len(text)-8000):])
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

var errNotYet = errors.New("not yet")

// until calls done until it returns nil, and fails with what it last returned
// when it does not in time, or when the process has ended.
func (p *process) until(done func() error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := done()
		switch {
		case err == nil:
			return
		case !p.running():
			p.t.Fatalf("ended (%v): %v\n%s", p.cmd.ProcessState, err, p.output)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatalf("after %v: %v\n%s", patience, err, p.output)
		}
	}
}
