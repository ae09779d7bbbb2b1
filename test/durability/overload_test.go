//go:build durability

package durability

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

const (
	// processors is how many the overloaded exporter has, wherever the tests run.
	processors = 2
	// askEvery and askAtMost are those of the watcher.
	askEvery, askAtMost = 100 * time.Millisecond, time.Second
)

// ceiling is the memory in bytes that docs/limits.md promises for the number of
// subnets. There is no other place where its numbers stand.
func ceiling(t *testing.T, subnets int) int {
	t.Helper()
	page, err := os.ReadFile("../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{"once": 1, "each processor": processors, "each thousand subnets": (subnets + 999) / 1000}
	total, rows := 0, 0
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z ]+) \| (\d+) MiB \|`).FindAllSubmatch(page, -1) {
		n, known := times[string(row[1])]
		if !known { // a limit
			continue
		}
		mebibytes, err := strconv.Atoi(string(row[2]))
		if err != nil {
			t.Fatal(err)
		}
		total, rows = total+n*mebibytes, rows+1
	}
	if rows != len(times) {
		t.Fatalf("docs/limits.md has %d parts of the memory", rows)
	}
	return total << 20
}

// confined lets the process have what docs/limits.md promises, and tells Go so as
// it says there.
func (w *world) confined(cmd *exec.Cmd) *exec.Cmd {
	w.t.Helper()
	w.ceiling = ceiling(w.t, max(w.large, len(w.vpc.Subnets())))
	cmd.Env = append(cmd.Env, fmt.Sprintf("GOMAXPROCS=%d", processors), fmt.Sprintf("GOMEMLIMIT=%d", w.ceiling/5*4))
	return cmd
}

// memory returns a figure of /proc/PID/status in bytes: VmRSS is the resident
// memory, VmHWM the most that it ever was.
func (p *process) memory(name string) int {
	p.t.Helper()
	text, err := os.ReadFile("/proc/" + itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		p.t.Fatal(err)
	}
	match := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
	if match == nil {
		p.t.Fatalf("no %s in\n%s", name, text)
	}
	kibibytes, err := strconv.Atoi(string(match[1]))
	if err != nil {
		p.t.Fatal(err)
	}
	return kibibytes << 10
}

// overload watches an exporter that is overloaded from now on. What is returned
// ends that: each scrape must have been answered whole and within a second, and
// the memory must never have been more than is promised.
func (w *world) overload(p *process, url, what string) (end func()) {
	w.t.Helper()
	leave, ended := attend(w.t, url), false
	end = func() {
		w.t.Helper()
		if ended {
			return
		}
		ended = true
		peak, saw := p.memory("VmHWM"), leave()
		for _, problem := range problems(saw, peak, w.ceiling) {
			w.t.Errorf("%s: %s", what, problem)
		}
		w.t.Logf("%s: peak memory %d MiB of %d MiB; %d scrapes, the slowest in %v",
			what, peak/mebibyte, w.ceiling/mebibyte, saw.Asked, saw.Slowest.Round(time.Millisecond))
	}
	w.t.Cleanup(end) // before the process is killed, when the test has failed
	return end
}

// problems says in what the promises are broken.
func problems(saw sight, peak, ceiling int) (all []string) {
	if saw.Late > 0 || saw.Asked == 0 {
		all = append(all, fmt.Sprintf("%d of %d scrapes were not answered within %v: %s", saw.Late, saw.Asked, askAtMost, saw.First))
	}
	if peak > ceiling {
		all = append(all, fmt.Sprintf("the memory was %d MiB, at most %d MiB are promised", peak/mebibyte, ceiling/mebibyte))
	}
	return all
}

// attend lets a process of its own ask for the metrics again and again, by a
// connection that it keeps, as Prometheus does: it does not wait for what the
// test has to do. What is returned ends that.
func attend(t *testing.T, url string) (leave func() sight) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	watcher := exec.Command(program)
	watcher.Env = []string{watching + "=" + url}
	watcher.Stderr = os.Stderr
	release, err := watcher.StdinPipe()
	var answer bytes.Buffer
	watcher.Stdout = &answer
	if err := errors.Join(err, watcher.Start()); err != nil {
		t.Fatal(err)
	}
	return func() (saw sight) {
		t.Helper()
		release.Close()
		if err := errors.Join(watcher.Wait(), json.Unmarshal(answer.Bytes(), &saw)); err != nil {
			t.Fatal(err)
		}
		return saw
	}
}

// watching names the variable that makes this program the watcher of an exporter.
const watching = "FLOWLOG_WATCH"

// sight is what the watcher saw.
type sight struct {
	Asked, Late int
	Slowest     time.Duration
	First       string // what was wrong with the first that was late
}

// look asks for the metrics until standard input ends, and prints what it saw.
func look(url string) error {
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(done)
	}()
	client := &http.Client{Timeout: askAtMost, Transport: &http.Transport{}}
	tick := time.NewTicker(askEvery)
	var saw sight
	for {
		took, err := ping(client, url)
		saw.Asked, saw.Slowest = saw.Asked+1, max(saw.Slowest, took)
		if err != nil {
			if saw.Late++; saw.Late == 1 {
				saw.First = err.Error()
			}
		}
		select {
		case <-done:
			return json.NewEncoder(os.Stdout).Encode(saw)
		case <-tick.C:
		}
	}
}

// ping is one scrape, whose answer must be whole.
func ping(client *http.Client, url string) (took time.Duration, err error) {
	asked := time.Now()
	request, err := http.NewRequest(http.MethodGet, url+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	answer, err := client.Do(request)
	if err != nil {
		return time.Since(asked), err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	took = time.Since(asked)
	if err == nil && (answer.StatusCode != http.StatusOK || !bytes.HasSuffix(text, []byte("# EOF\n"))) {
		err = fmt.Errorf("status %d and %d bytes", answer.StatusCode, len(text))
	}
	return took, err
}

// TestWatcherSees: the guards of these tests see a process that stalls for more
// than a second, and one that takes more memory than it may.
func TestWatcherSees(t *testing.T) {
	w := newWorld(t, 60, 1)
	p := launch(t, w.confined(w.command()))
	url := p.url()
	leave := attend(t, url)
	p.until(func() error { return compare(w.truth(), w.log.scrape(p, url)) })
	p.signal(syscall.SIGSTOP)
	time.Sleep(2 * askAtMost) // what is awaited is that nothing comes
	p.signal(syscall.SIGCONT)
	w.settled(p, url)
	peak, saw := p.memory("VmHWM"), leave()
	if got := problems(saw, peak, peak-1); saw.Late == 0 || saw.Late == saw.Asked || len(got) != 2 {
		t.Errorf("of a stop of %v was seen %+v: %q", 2*askAtMost, saw, got)
	}
	if got := problems(sight{Asked: 1}, peak, peak); len(got) != 0 {
		t.Errorf("of nothing was seen %q", got)
	}
	p.stop()
}
