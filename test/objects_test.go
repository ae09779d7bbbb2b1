//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	objects = 1000
	// visibility is short, so that messages come again while a replica is
	// dead or stopped.
	visibility = 2 * time.Second
	// replicaKills is how many times one of the two replicas is killed, or
	// stopped until its messages are visible to the other one.
	replicaKills = 40
)

// object is what objects.py put: all flows of a subnet of its own.
type object struct {
	Subnet, Key  string
	Flows, Bytes float64
	Again        bool // its notification was sent more than once
}

// replica is one of the exporters that share the queue, in one of its lives.
type replica struct {
	*process
	name, address string
}

// TestReplicasShareAQueue lets two exporters read the objects of one queue, and
// kills and stops them at random.
func TestReplicasShareAQueue(t *testing.T) {
	w := objectWorld(t)
	var queue struct{ Queue string }
	w.run(t, &queue, "objects.py", "world")
	program := os.Getenv("FLOWLOG_BINARY")
	if program == "" {
		program = buildExporter(t)
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("FLOWLOG_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	began := time.Now()

	put := exec.CommandContext(t.Context(), python, "-B", "objects.py", "put", w.dir, fmt.Sprint(seed), "0", fmt.Sprint(objects))
	put.Env = append(w.environment(), "AWS_ACCESS_KEY_ID=end", "AWS_SECRET_ACCESS_KEY=to-end", "AWS_DEFAULT_REGION="+region)
	putting := start(t, "objects.py", put)
	two := []*replica{w.replica(t, program, "a", queue.Queue), w.replica(t, program, "b", queue.Queue)}
	kills, stops := 0, 0
	for kills+stops < replicaKills {
		i := rng.IntN(2)
		time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond)
		if rng.IntN(4) == 0 { // as a machine that is suspended
			_ = two[i].cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(visibility + time.Second)
			_ = two[i].cmd.Process.Signal(syscall.SIGCONT)
			stops++
			continue
		}
		_ = two[i].cmd.Process.Kill()
		<-two[i].ended
		kills++
		two[i] = w.replica(t, program, two[i].name, queue.Queue)
	}
	<-putting.ended
	if status := putting.cmd.ProcessState.ExitCode(); status != 0 {
		t.Fatalf("objects.py put: status %d: %s", status, putting.said.tail(10))
	}
	var depth struct{ Queue, Dead int }
	await(t, settleLimit, func() (bool, string) {
		w.run(t, &depth, "objects.py", "depth")
		return depth.Queue == 0, fmt.Sprintf("%d messages are left", depth.Queue)
	}, two[0].process, two[1].process)
	if depth.Dead != 0 {
		t.Errorf("%d messages are dead letters", depth.Dead)
	}
	f := w.compare(t, two)
	for _, r := range two {
		if status := r.stop(t, stopLimit); status != 0 {
			t.Errorf("%s: exit status %d: %s", r.name, status, r.said.tail(10))
		}
	}
	t.Logf("replicas on one queue: %d objects, %d kills and %d stops past the visibility timeout in %v, seed %d; "+
		"%d messages received, %d of them again; lost 0, doubled within a replica 0; counted by both replicas %d: "+
		"%d told of twice, %d received twice; shares %d and %d",
		objects, kills, stops, time.Since(began).Round(time.Second), seed,
		f.received, f.receivedAgain, f.both, f.toldTwice, f.both-f.toldTwice, f.share[0], f.share[1])
	if f.receivedAgain == 0 || f.share[0] == 0 || f.share[1] == 0 {
		t.Error("nothing is shown: no message came again, or one replica did nothing")
	}
}

// objectWorld starts the server, which notes what the queue gives out.
func objectWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	cmd := exec.CommandContext(t.Context(), python, "-B", "moto_server.py")
	cmd.Env = append(os.Environ(), "FLOWLOG_RECEIVES="+w.file("receives.jsonl"))
	w.server = start(t, "moto", cmd)
	w.endpoint = "http://" + w.server.awaitLine(t, `listening (\S+)\n`)
	return w
}

// replica starts an exporter that goes on where its name ended.
func (w *world) replica(t *testing.T, program, name, queue string) *replica {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "--s3.queue-url="+queue, "--aws.region="+region,
		"--s3.visibility-timeout="+visibility.String(), "--subnets.file="+w.file("subnets.txt"),
		"--state.path="+filepath.Join(w.dir, name), "--state.commit-interval=500ms",
		"--web.listen-address=127.0.0.1:0", "--web.last-scrape-wait=0s")
	cmd.Env = append(w.environment(), "AWS_ACCESS_KEY_ID=end", "AWS_SECRET_ACCESS_KEY=to-end")
	r := &replica{process: start(t, "exporter "+name, cmd), name: name}
	r.address = r.awaitLine(t, `(?i)msg="?listening(?: on)?"? .*address=(\S+)`)
	return r
}

// figures are what the replicas leave.
type figures struct {
	both, toldTwice         int
	received, receivedAgain int
	share                   [2]int
}

// compare wants each object to be counted, by each replica once at most, and by
// both only when the queue gave it out twice.
func (w *world) compare(t *testing.T, two []*replica) (f figures) {
	t.Helper()
	var flows, octets [2]map[string]float64
	for i, r := range two {
		_, page := get("http://" + r.address + "/metrics")
		flows[i], octets[i] = bySubnet(page, "flowlog_received_flows_total"), bySubnet(page, "flowlog_received_bytes_total")
	}
	given := w.given(t, &f)
	for o := range readLines[object](t, w.file("objects.jsonl")) {
		times := 0
		for i := range two {
			n, b := flows[i][o.Subnet], octets[i][o.Subnet]
			switch {
			case n == 0 && b == 0:
				continue
			case n != o.Flows || b != o.Bytes:
				t.Errorf("%s of %s: %v flows and %v bytes in replica %s, want %v and %v or none", o.Subnet, o.Key, n, b, two[i].name, o.Flows, o.Bytes)
			}
			times++
			f.share[i]++
		}
		switch {
		case times == 0:
			t.Errorf("%s is lost", o.Key)
		case times == 2 && o.Again:
			f.toldTwice++
			f.both++
		case times == 2:
			f.both++
			if given[o.Key] < 2 {
				t.Errorf("%s was given out once and is counted by both replicas", o.Key)
			}
		}
	}
	return f
}

// given counts how often the queue gave out a message of each object.
func (w *world) given(t *testing.T, f *figures) map[string]int {
	t.Helper()
	type receive struct {
		Body     string
		Receives int
	}
	keys := map[string]string{} // as they are written in notifications
	for o := range readLines[object](t, w.file("objects.jsonl")) {
		keys[regexp.MustCompile(`[0-9a-f]{8}\.log\.gz|0c9e-\d+`).FindString(o.Key)] = o.Key
	}
	name := regexp.MustCompile(`[0-9a-f]{8}\.log\.gz|0c9e-\d+`)
	given := map[string]int{}
	for r := range readLines[receive](t, w.file("receives.jsonl")) {
		f.received++
		if r.Receives > 1 {
			f.receivedAgain++
		}
		given[keys[name.FindString(r.Body)]]++
	}
	return given
}

// bySubnet sums a metric of a page by its subnet label.
func bySubnet(page, metric string) map[string]float64 {
	sums := map[string]float64{}
	for _, m := range regexp.MustCompile(`(?m)^`+metric+`\{.*subnet="([^"]+)".*\} (\S+)`).FindAllStringSubmatch(page, -1) {
		v, _ := strconv.ParseFloat(m[2], 64)
		sums[m[1]] += v
	}
	return sums
}

// readLines reads a file of one JSON document a line.
func readLines[T any](t *testing.T, file string) func(func(T) bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(T) bool) {
		lines := bufio.NewScanner(strings.NewReader(string(text)))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var v T
			if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
				t.Errorf("%s: %v", file, err)
				return
			}
			if !yield(v) {
				return
			}
		}
	}
}
