// Package exporter runs the real program and measures it from outside: by what
// it answers and by what the kernel says of it.
package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience is how long anything may take before the measurement is given up.
const patience = 2 * time.Minute

// Process is the exporter, running.
type Process struct {
	// Ready is how long it took from the start to the first scrape answered.
	Ready time.Duration

	url    string
	cmd    *exec.Cmd
	stderr bytes.Buffer
	client http.Client
}

// Build compiles a command of the module in the current folder.
func Build(command, file string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, command)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// Start runs the program until it has answered a scrape. It must be stopped.
func Start(program string, args ...string) (*Process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	_ = listener.Close() // the program takes the port over
	p := &Process{url: "http://" + address + "/metrics", cmd: exec.Command(program, append(args, "--web.listen-address="+address, "--log.level=error")...)}
	p.cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench", "AWS_EC2_METADATA_DISABLED=true")
	p.cmd.Stderr = &p.stderr
	p.client.Transport = &http.Transport{DisableCompression: true}
	begun := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(begun) < patience {
		if _, err = p.Scrape("", false); err == nil {
			p.Ready = time.Since(begun)
			return p, nil
		}
		time.Sleep(time.Millisecond)
	}
	p.Stop()
	return nil, fmt.Errorf("no scrape was answered: %w\n%s", err, p.stderr.String())
}

// Stop ends the program and waits for it.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended by itself
	_ = p.cmd.Wait()
}

// errEmpty says that nothing is committed yet.
var errEmpty = errors.New("no metrics of subnets yet")

// Scrape returns one answer of /metrics in the form that accept names; it is
// compressed when zip is set.
func (p *Process) Scrape(accept string, zip bool) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, p.url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	if zip {
		request.Header.Set("Accept-Encoding", "gzip")
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	if err == nil && !zip && !bytes.Contains(text, []byte("\nflowlog_subnets{")) {
		err = errEmpty
	}
	return text, err
}

// Value returns the sum over all series of a metric, as scraped now.
func (p *Process) Value(metric string) (sum float64, err error) {
	text, err := p.Scrape("", false)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		name := line[:strings.IndexAny(line, "{ \n")]
		if name != metric {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(strings.TrimSpace(line), ' ')+1:]), 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

// CPU is the user and system time of all threads so far, by the nanoseconds of
// the scheduler.
func (p *Process) CPU() (sum time.Duration) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		ran, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(ran, 10, 64)
		sum += time.Duration(n)
	}
	return sum
}

// PeakRSS is the most memory that was resident so far, in bytes.
func (p *Process) PeakRSS() uint64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	n, _ := strconv.ParseUint(strings.Fields(after + " 0")[0], 10, 64)
	return n << 10
}

// slowError says that a metric did not come to a value in time.
type slowError struct {
	metric string
	got    float64
	want   uint64
	stderr string
}

func (e *slowError) Error() string {
	return fmt.Sprintf("%s is %.0f after %v, not %d\n%s", e.metric, e.got, patience, e.want, e.stderr)
}
