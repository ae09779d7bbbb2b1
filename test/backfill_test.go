//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/test/oracle"
)

// archive is a folder of flow logs and what the oracle counts in it.
type archive struct {
	dir     string
	subnets []oracle.Subnet
	begin   time.Time
	lines   int
	// want is what each minute adds to a row.
	want map[int64]map[oracle.Row]oracle.Amount
}

const (
	archiveFormat  = "version interface-id srcaddr dstaddr packets bytes start end action log-status flow-direction"
	archiveMinutes = 300
	archiveFiles   = 40
	archiveLines   = 500 // of a file
)

// newArchive draws flow logs of five hours in files, not in the order of time. Some
// subnets have traffic at all times, some for a minute now and then.
func newArchive(t *testing.T, seed uint64) *archive {
	t.Helper()
	a := &archive{dir: t.TempDir(), begin: time.Now().Add(-48 * time.Hour).UTC().Truncate(2 * time.Hour), want: map[int64]map[oracle.Row]oracle.Amount{}}
	var list strings.Builder
	for i := range 12 {
		cidr := fmt.Sprintf("10.0.%d.0/24", i)
		fmt.Fprintln(&list, cidr)
		a.subnets = append(a.subnets, oracle.Subnet{CIDR: cidr, Prefixes: []netip.Prefix{netip.MustParsePrefix(cidr)}})
	}
	a.put(t, "subnets.txt", []byte(list.String()))
	rng := rand.New(rand.NewPCG(seed, 2))
	byMinute := map[int64][]string{}
	for file := range archiveFiles {
		text := bytes.NewBufferString(archiveFormat + "\n")
		for range archiveLines {
			end := a.begin.Unix() + rng.Int64N(archiveMinutes*60)
			line := a.line(rng, end)
			fmt.Fprintln(text, line)
			byMinute[end/60] = append(byMinute[end/60], line)
			a.lines++
		}
		name := fmt.Sprintf("logs/2026/%02d/%d.log", file%3+1, file)
		if file%2 == 0 {
			a.put(t, name, text.Bytes())
			continue
		}
		a.put(t, name+".gz", compress(t, text.Bytes()))
	}
	for minute, lines := range byMinute {
		counter := oracle.Counter{Subnets: a.subnets}
		counter.Count(oracle.Body{Text: true, Formats: [][]string{strings.Fields(archiveFormat)}, Lines: lines})
		a.want[minute] = counter.Rows
	}
	return a
}

// line draws a line that ends at some time.
func (a *archive) line(rng *rand.Rand, end int64) string {
	if rng.IntN(30) == 0 {
		return fmt.Sprintf("5 eni-1 - - - - %d %d - NODATA -", end-60, end)
	}
	own := rng.IntN(8)
	if rng.IntN(200) == 0 {
		own = 8 + rng.IntN(5) // seldom, and in no known subnet
	}
	src, dst := fmt.Sprintf("10.0.%d.%d", own, rng.IntN(200)+10), fmt.Sprintf("198.51.100.%d", rng.IntN(200))
	if rng.IntN(4) == 0 {
		dst = fmt.Sprintf("10.0.%d.%d", rng.IntN(8), rng.IntN(200)+10)
	}
	direction := "egress"
	if rng.IntN(2) == 0 {
		src, dst, direction = dst, src, "ingress"
	}
	action := "ACCEPT"
	if rng.IntN(5) == 0 {
		action = "REJECT"
	}
	octets := rng.Uint64N(100_000)
	if rng.IntN(50) == 0 {
		octets = rng.Uint64N(1 << 40)
	}
	return fmt.Sprintf("5 eni-%d %s %s %d %d %d %d %s OK %s", own, src, dst, rng.IntN(1000), octets, end-60, end, action, direction)
}

func (a *archive) put(t *testing.T, name string, content []byte) {
	t.Helper()
	name = filepath.Join(a.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func compress(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBackfill: a Prometheus that gets the blocks of a replay answers each minute as
// the oracle counts it.
func TestBackfill(t *testing.T) {
	a := newArchive(t, 1)
	samples, data := filepath.Join(a.dir, "history.om"), filepath.Join(a.dir, "data")
	run(t, buildExporter(t), "replay", "--subnets.file="+filepath.Join(a.dir, "subnets.txt"), "--output=openmetrics",
		"--output.file="+samples, "--parallel=4", filepath.Join(a.dir, "logs"))
	run(t, promtool, "tsdb", "create-blocks-from", "openmetrics", samples, data)
	p := openPrometheus(t, a.dir, data)
	compared, withTraffic, series, mismatches := 0, 0, 0, 0
	for row, what := range a.rows() {
		for quantity, of := range map[string]func(oracle.Amount) uint64{
			"bytes":   func(m oracle.Amount) uint64 { return m.Bytes },
			"packets": func(m oracle.Amount) uint64 { return m.Packets },
			"flows":   func(m oracle.Amount) uint64 { return m.Flows },
		} {
			got := p.minutes(t, fmt.Sprintf("increase("+what+"[1m])", quantity), a.begin, archiveMinutes)
			series++
			for m := range int64(archiveMinutes) {
				minute := a.begin.Unix()/60 + m
				want := of(a.want[minute][row])
				compared++
				if want > 0 {
					withTraffic++
				}
				if uint64(got[(minute+1)*60]) != want {
					if mismatches++; mismatches < 10 {
						t.Errorf("%s of %+v in minute %d: got %v, want %d", quantity, row, m, got[(minute+1)*60], want)
					}
				}
			}
		}
	}
	info, err := os.Stat(samples)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d lines in %d files, %d bytes of samples, %d series: %d minutes compared, %d of them with traffic, mismatches %d",
		a.lines, archiveFiles, info.Size(), series, compared, withTraffic, mismatches)
	if withTraffic < 10_000 {
		t.Error("hardly anything is compared")
	}
}

// rows are all rows with traffic, and for each the selector of its metrics with a
// gap for the quantity.
func (a *archive) rows() map[oracle.Row]string {
	rows := map[oracle.Row]string{}
	for _, minute := range a.want {
		for row := range minute {
			direction, name := "ingress", "received"
			if row.Egress {
				direction, name = "egress", "sent"
			}
			if row.Denied {
				rows[row] = fmt.Sprintf("flowlog_denied_%%s_total{subnet=%q,direction=%q}", row.CIDR, direction)
				continue
			}
			rows[row] = fmt.Sprintf("flowlog_%s_%%s_total{subnet=%q}", name, row.CIDR)
		}
	}
	return rows
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}

// openPrometheus starts a Prometheus on blocks that are there.
func openPrometheus(t *testing.T, dir, data string) *prometheus {
	t.Helper()
	configuration := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(configuration, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &prometheus{address: freeAddress(t)}
	p.process = start(t, "prometheus", exec.CommandContext(t.Context(), prometheusProgram, "--config.file="+configuration,
		"--storage.tsdb.path="+data, "--web.listen-address="+p.address, "--log.level=warn"))
	await(t, 60*time.Second, func() (bool, string) {
		status, answer := get("http://" + p.address + "/-/ready")
		return status == http.StatusOK, "prometheus is not ready: " + answer
	}, p.process)
	return p
}

// minutes evaluates PromQL at the end of each minute, which gives one series at
// most, by Unix time.
func (p *prometheus) minutes(t *testing.T, promQL string, begin time.Time, n int) map[int64]float64 {
	t.Helper()
	form := url.Values{"query": {promQL}, "step": {"60"}}
	form.Set("start", strconv.FormatInt(begin.Unix()+60, 10))
	form.Set("end", strconv.FormatInt(begin.Unix()+int64(n)*60, 10))
	status, body := get("http://" + p.address + "/api/v1/query_range?" + form.Encode())
	var answer struct{ Data struct{ Result []series } }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", promQL, status, err, body)
	}
	values := map[int64]float64{}
	if len(answer.Data.Result) > 1 {
		t.Fatalf("%s: %d series", promQL, len(answer.Data.Result))
	}
	for _, s := range answer.Data.Result {
		for _, v := range s.Values {
			at, err := v.at.Int64()
			if err != nil {
				t.Fatal(err)
			}
			values[at] = v.value
		}
	}
	return values
}

// backfillMemory is what docs/backfill.md says that a replay of text takes.
const backfillMemory = 96 << 20

// TestBackfillMemory replays a gibibyte of text and prints the most memory that the
// program had.
func TestBackfillMemory(t *testing.T) {
	a := newArchive(t, 2)
	rng := rand.New(rand.NewPCG(3, 3))
	var text bytes.Buffer
	for text.Len() < 8<<20 {
		fmt.Fprintln(&text, a.line(rng, a.begin.Unix()+rng.Int64N(archiveMinutes*60)))
	}
	const files, members = 4, 32 // 8 MiB of text in each member of gzip
	body := append(compress(t, []byte(archiveFormat+"\n")), bytes.Repeat(compress(t, text.Bytes()), members)...)
	for i := range files {
		a.put(t, fmt.Sprintf("large/%d.log.gz", i), body)
	}
	program := filepath.Join(a.dir, "flowlog-exporter") // as it is shipped: the race detector takes memory
	run(t, "go", "build", "-buildvcs=false", "-o", program, "..")
	cmd := exec.CommandContext(t.Context(), program, "replay", "--subnets.file="+filepath.Join(a.dir, "subnets.txt"),
		"--output=openmetrics", filepath.Join(a.dir, "large"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// All was read when the first sample comes, and the program waits while its
	// samples are not taken. What wait4 tells would include this process's memory.
	peak, chunk := 0, make([]byte, 32<<10)
	for n, err := out.Read(chunk); err == nil; n, err = out.Read(chunk) {
		if now := peakMemory(t, cmd.Process.Pid); n > 0 && now > peak {
			peak = now
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("replay: %v", err)
	}
	t.Logf("%d MiB of text in %d files, %d MiB compressed, replayed in %v: peak RSS %.1f MiB, GOMAXPROCS %d",
		files*members*text.Len()>>20, files, files*len(body)>>20, time.Since(began).Round(time.Millisecond), float64(peak)/(1<<20), runtime.GOMAXPROCS(0))
	if peak == 0 {
		t.Error("the memory was not seen")
	}
	if peak > backfillMemory {
		t.Errorf("that is more than %d MiB", backfillMemory>>20)
	}
}

// peakMemory returns the most memory in bytes that a process had; 0 when it has
// ended.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	peak := regexp.MustCompile(`(?m)^VmHWM:\s*(\d+) kB$`).FindSubmatch(status)
	if peak == nil {
		return 0
	}
	kib, err := strconv.Atoi(string(peak[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
