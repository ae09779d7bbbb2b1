package command

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStopWhileAnInputIsSilent: a signal ends a reader that waits for a pipe
// on which nothing comes, whichever pipe and command it is.
func TestStopWhileAnInputIsSilent(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	fifo := filepath.Join(t.TempDir(), "fifo") // nobody opens its other end
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	subnets := []string{"--subnets.file", "testdata/subnets.txt"}
	serve := append([]string{"run", "--web.listen-address", "127.0.0.1:0"}, subnets...)
	count := append([]string{"replay"}, subnets...)
	for _, test := range []struct {
		name   string
		args   []string
		status int
	}{
		{"run reads standard input", append(serve, "--file.path", "-"), exitOK},
		{"run opens a pipe", append(serve, "--file.path", fifo), exitOK},
		{"replay reads standard input", append(count, "-"), exitRuntime},
		{"replay opens a pipe", append(count, fifo), exitRuntime},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := startWith(t, read, []string{"FLOWLOG_LOG_LEVEL=debug"}, test.args...)
			p.await("reading file")
			if status := p.stop(); status != test.status {
				t.Errorf("exit status %d, want %d:\n%s", status, test.status, p.output)
			}
			if test.args[0] == "replay" && !strings.Contains(p.output.String(), "interrupted") {
				t.Errorf("got %s", p.output)
			}
		})
	}
}

// TestReplayStopsInABlockedOutput: a result that nobody takes can be broken off.
func TestReplayStopsInABlockedOutput(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	fill(t, write)
	p := startTo(t, write, "replay", "--log.level", "debug", "--subnets.file", "testdata/subnets.txt", "testdata/default.log")
	p.await("reading file")
	time.Sleep(500 * time.Millisecond) // into the write, which nothing tells of from outside
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		t.Fatal("still running")
	}
}

// fill writes until the pipe takes no more.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	if err := w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := w.Write(make([]byte, 4096)); err != nil {
			return
		}
	}
}

// TestStopWhileTheDenyLogIsNotRead: lines that nobody takes are said to be
// lost; the stop is an ordinary one.
func TestStopWhileTheDenyLogIsNotRead(t *testing.T) {
	for name, blocked := range map[string]bool{"reader sleeps": true, "reader is gone": false} {
		t.Run(name, func(t *testing.T) {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close()
			defer write.Close()
			fill(t, write)
			if !blocked {
				read.Close()
			}
			p := startTo(t, write, "run", "--subnets.file", "testdata/subnets.txt", "--file.path", "testdata/default.log",
				"--web.listen-address", "127.0.0.1:0", "--web.last-scrape-wait", "0s", "-log_deny")
			until(t, p, p.url(), `flowlog_deny_log_records_total\{.*\}`, 2)
			if status := p.stop(); status != exitOK {
				t.Errorf("exit status %d:\n%s", status, p.output)
			}
			if !strings.Contains(p.output.String(), "the deny log did not end well") {
				t.Errorf("nothing said of the lost lines:\n%s", p.output)
			}
		})
	}
}

// TestSecondSignalEndsAtOnce: whoever does not want to wait for a last scrape.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	p := start(t, nil, "--file.path", "testdata/*.log", "--subnets.file", "testdata/subnets.txt",
		"--web.listen-address", "127.0.0.1:0", "--web.last-scrape-wait", "1h")
	sample(t, p.url(), "up")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.await("waiting for a last scrape")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil { // a rotation meanwhile is no end
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if code, _ := get(t, p.url()+"/-/healthy"); code != 200 {
		t.Errorf("healthy: %d", code)
	}
	p.stop()
	if p.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("ended as %v", p.cmd.ProcessState)
	}
}

// TestReplayTellsOfWhatIsMissing: totals that lack a part of the files are no
// success, and what stands behind the paths is still a flag.
func TestReplayTellsOfWhatIsMissing(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "damaged.gz")
	if err := os.WriteFile(damaged, []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff no gzip"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, args, says, prints string
		status                   int
	}{
		{"damaged", "--subnets.file testdata/subnets.txt testdata/default.log " + damaged, "could not be decoded", "12 records", exitRuntime},
		{"flag behind", "--subnets.file testdata/subnets.txt testdata/default.log --output=json", "", `"records": 12`, exitOK},
		{"no file", "--subnets.file testdata/subnets.txt testdata/default.log testdata/*.nothing", "no file matches", "", exitRuntime},
		{"old region", "-region eu-wst-1 testdata/default.log", "did you mean eu-west-1", "", exitUsage},
		{"no region", "testdata/default.log", "--subnets.file", "", exitUsage},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := start(t, nil, append([]string{"replay"}, strings.Fields(test.args)...)...)
			if status := p.exit(); status != test.status {
				t.Errorf("exit status %d, want %d", status, test.status)
			}
			if !strings.Contains(p.output.String(), test.says) || !strings.Contains(p.stdout.String(), test.prints) {
				t.Errorf("got %s\n%s", p.output, &p.stdout)
			}
			if test.prints == "" && p.stdout.Len() > 0 {
				t.Errorf("totals of nothing: %s", &p.stdout)
			}
		})
	}
}

// TestFilesThatAreNotThere are a mistake in the settings: said before listening.
func TestFilesThatAreNotThere(t *testing.T) {
	p := start(t, nil, "--file.path", "testdata/*.nothing", "--subnets.file", "testdata/subnets.txt", "--web.listen-address", "127.0.0.1:0")
	if status := p.exit(); status != exitUsage || !strings.Contains(p.output.String(), `no file matches "testdata/*.nothing"`) {
		t.Errorf("exit status %d: %s", status, p.output)
	}
	if strings.Contains(p.output.String(), "Listening") {
		t.Errorf("listened before: %s", p.output)
	}
}
