package kube

import (
	"bufio"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is for the program to do what it does in milliseconds.
const patience = 30 * time.Second

// process is the program at work.
type process struct {
	cmd       *exec.Cmd
	said      strings.Builder
	addresses chan listener
	ended     chan error
}

// listener is an address that the program listens on.
type listener struct {
	address  string
	firehose bool
}

// where finds an address in the log, in logfmt or JSON.
var where = regexp.MustCompile(`Listening on.*address"?[=:]"?(127\.0\.0\.1:\d+)`)

// start runs the program and reads its log. When the test fails, the log is shown.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, addresses: make(chan listener, 10), ended: make(chan error, 1)}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(&p.said, lines.Text())
			if found := where.FindStringSubmatch(lines.Text()); found != nil {
				p.addresses <- listener{found[1], strings.Contains(lines.Text(), "firehose")}
			}
		}
	}()
	go func() {
		<-read
		p.ended <- cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-read
		if t.Failed() {
			t.Logf("%q said:\n%s", cmd.Args[1:], &p.said)
		}
	})
	return p
}

// listeners waits for the program to listen on so many ports.
func (p *process) listeners(t *testing.T, n int) (web, firehose string) {
	t.Helper()
	timeout := time.After(patience)
	for range n {
		select {
		case l := <-p.addresses:
			if l.firehose {
				firehose = l.address
			} else {
				web = l.address
			}
		case err := <-p.ended:
			t.Fatalf("the program ended: %v", err)
		case <-timeout:
			t.Fatalf("the program listens on fewer than %d ports", n)
		}
	}
	return web, firehose
}

// stop ends the program as Kubernetes does; it has to end well and in time.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("the program ended with %v", err)
		}
	case <-time.After(patience):
		t.Errorf("the program does not end within %v", patience)
	}
}
