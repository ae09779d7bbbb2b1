//go:build durability

package durability

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

const (
	format = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"

	// commitInterval is short, so that few milliseconds of life see a commit.
	commitInterval = 50 * time.Millisecond
)

// world is a VPC, the stream of its flow logs, and the state directory of the
// one exporter that reads it, in one life after another.
type world struct {
	t        *testing.T
	clock    clock
	vpc      *demo.VPC
	stream   *demo.Kinesis
	endpoint *endpoint
	server   *httptest.Server
	subnets  string // file
	state    string // directory
	log      *recording

	delivered, again atomic.Uint64 // envelopes; records in those delivered twice

	extra   map[string]float64 // what a test has put beside the traffic of the VPC, by series
	large   int                // subnets in the list, if a test has made it long
	ceiling int                // of the memory in bytes, of an exporter that is confined
}

func newWorld(t *testing.T, seed uint64, shards int) *world {
	t.Helper()
	w := &world{t: t, vpc: demo.NewVPC(seed), state: filepath.Join(t.TempDir(), "state")}
	w.stream = &demo.Kinesis{Stream: "flow-logs", Shards: shards, Keep: 1 << 30, Now: w.clock.now}
	w.endpoint = &endpoint{
		kinesis: w.stream, ec2: http.NotFoundHandler(),
		rng: rand.New(rand.NewPCG(seed, 1)), faults: map[string]int{},
	}
	w.server = httptest.NewServer(w.endpoint)
	t.Cleanup(w.server.Close)
	w.subnets = filepath.Join(t.TempDir(), "subnets.txt")
	if err := os.WriteFile(w.subnets, w.subnetList(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(w.state, 0o750); err != nil {
		t.Fatal(err)
	}
	w.log = newRecording(t)
	return w
}

func (w *world) subnetList() []byte {
	var list strings.Builder
	for _, s := range w.vpc.Subnets() {
		for _, p := range s.Prefixes {
			fmt.Fprintf(&list, "%s subnet_id=%s vpc_id=%s\n", p, s.ID, s.VPCID)
		}
	}
	return []byte(list.String())
}

// command returns the exporter on this world. Of a flag that is given twice the
// last counts.
func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(programs.exporter, append([]string{
		"-stream", "flow-logs", "-region", "eu-west-1", "--kinesis.start", "trim_horizon", "--kinesis.poll-interval", "200ms",
		"--format", format, "--subnets.file", w.subnets,
		"--state.path", w.state, "--state.commit-interval", commitInterval.String(),
		"--web.listen-address", "127.0.0.1:0", "--web.last-scrape-wait", "0s",
	}, args...)...)
	// Nothing of the machine's own AWS settings reaches the exporter.
	cmd.Env = []string{
		"HOME=" + filepath.Dir(w.subnets), "AWS_ENDPOINT_URL=" + w.server.URL, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY=example",
	}
	return cmd
}

func (w *world) start(args ...string) *process {
	w.t.Helper()
	return launch(w.t, w.command(args...))
}

// put writes at least n records into the stream. One envelope in a hundred is
// delivered twice, as CloudWatch Logs may do it: in a data record of its own.
func (w *world) put(n int) {
	for _, e := range w.vpc.Next(time.Now(), n) {
		w.stream.Put(e.Data)
		if w.delivered.Add(1)%100 == 0 {
			w.again.Add(uint64(e.Records))
			w.stream.Put(e.Data)
		}
	}
}

// traffic writes perTick records every five milliseconds, and splits or merges
// shards now and then, until the returned function is called.
func (w *world) traffic(perTick int) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var writing sync.WaitGroup
	writing.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := 1; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			w.put(perTick)
			if i%500 == 0 {
				w.reshard()
			}
		}
	})
	stop = sync.OnceFunc(func() { cancel(); writing.Wait() })
	w.t.Cleanup(stop)
	return stop
}

// reshard splits the oldest open shard while there are few, else merges the two
// newest, which are the halves of one.
func (w *world) reshard() {
	open := w.stream.Open()
	var err error
	if len(open) < 6 {
		err = w.stream.Split(open[0])
	} else {
		err = w.stream.Merge(open[len(open)-2], open[len(open)-1])
	}
	if err != nil {
		w.t.Error(err)
	}
}

// truth returns what each series of the ledger must be when all that was put so
// far is read, and once.
func (w *world) truth() map[string]float64 {
	truth := w.vpc.Truth()
	want := map[string]float64{}
	var flows uint64
	vpcs := map[string]string{}
	for _, s := range w.vpc.Subnets() {
		vpcs[s.CIDR] = s.VPCID
	}
	for place, a := range truth.Traffic {
		labels := fmt.Sprintf("subnet=%q,vpc_id=%q}", place.CIDR, vpcs[place.CIDR])
		kind := map[flow.Direction]string{flow.Ingress: "received", flow.Egress: "sent"}[place.Direction]
		if place.Action == flow.Reject {
			kind, labels = "denied", fmt.Sprintf("direction=%q,", place.Direction)+labels
		}
		for unit, n := range map[string]uint64{"flows": a.Flows, "packets": a.Packets, "bytes": a.Bytes} {
			want["flowlog_"+kind+"_"+unit+"_total{"+labels] = float64(n)
		}
		flows += a.Flows
	}
	again := w.again.Load()
	for reason, n := range map[flow.Reason]uint64{
		flow.NoData: truth.NoData, flow.SkipData: truth.SkipData, flow.Control: truth.Control, flow.Duplicate: again,
	} {
		want[fmt.Sprintf(`flowlog_records_skipped_total{reason=%q,source="kinesis"}`, reason)] = float64(n)
	}
	want[recordsSeries] = float64(flows + truth.NoData + truth.SkipData + truth.Control + again)
	want[`flowlog_records_counted_total{source="kinesis"}`] = float64(flows)
	want[`flowlog_records_unmatched_total{source="kinesis"}`] = 0
	for series, n := range w.extra {
		want[series] += n
	}
	return want
}

const recordsSeries = `flowlog_records_total{source="kinesis"}`

// settled waits until a scrape shows the truth, and then wants to see it in a
// second's scrapes more: what is counted twice comes late. All traffic must have
// stopped. It returns the number of series compared.
func (w *world) settled(p *process, url string) int {
	w.t.Helper()
	want := w.truth()
	p.until(func() error { return compare(want, w.log.scrape(p, url)) })
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err := compare(want, w.log.scrape(p, url)); err != nil {
			w.t.Fatalf("after the truth was reached: %v", err)
		}
	}
	return len(want)
}

// compare says which of the wanted series are not as they must be.
func compare(want map[string]float64, got page) error {
	var differ []string
	for series, v := range want {
		if have, ok := got.values[series]; !ok || have != v {
			differ = append(differ, fmt.Sprintf("%s is %v (there: %t), want %v", series, have, ok, v))
		}
	}
	if len(differ) > 0 {
		return fmt.Errorf("%d of %d series differ: %s", len(differ), len(want), strings.Join(differ[:min(5, len(differ))], "; "))
	}
	return nil
}
