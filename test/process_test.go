//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a program that runs beside the test and ends with it.
type process struct {
	name  string
	cmd   *exec.Cmd
	said  transcript
	ended chan struct{} // closed when the program is gone
}

// start runs a program. When the test fails, the end of what it said is shown.
func start(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{name: name, cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.said, &p.said
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the status stays in cmd.ProcessState
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("%s said last:\n%s", name, p.said.tail(40))
		}
	})
	return p
}

// awaitLine waits until the program says a line and returns its first group.
func (p *process) awaitLine(t *testing.T, pattern string) string {
	t.Helper()
	line := regexp.MustCompile(pattern)
	var found [][]byte
	await(t, 30*time.Second, func() (bool, string) {
		found = line.FindSubmatch(p.said.bytes())
		return found != nil, p.name + " does not say " + pattern
	}, p)
	return string(found[1])
}

// stop asks the program to end and returns its exit status.
func (p *process) stop(t *testing.T, limit time.Duration) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("signal %s: %v", p.name, err)
	}
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		t.Fatalf("%s still runs %v after SIGTERM", p.name, limit)
		return -1
	}
}

// await polls until done, and fails with the last reason at the limit, or as
// soon as one of the programs that it depends on is gone.
func await(t *testing.T, limit time.Duration, done func() (bool, string), needed ...*process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, reason := done()
		if ok {
			return
		}
		for _, p := range needed {
			select {
			case <-p.ended:
				t.Fatalf("%s ended (%v): %s\n%s", p.name, p.cmd.ProcessState, reason, p.said.tail(40))
			default:
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("after %v: %s", limit, reason)
		}
	}
}

// transcript keeps what a program said. It is safe for concurrent use.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *transcript) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *transcript) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.text.Bytes())
}

func (o *transcript) tail(lines int) string {
	all := strings.Split(strings.TrimSpace(string(o.bytes())), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
