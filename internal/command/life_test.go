package command

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// TestDemoShowsTrafficWithinSeconds scrapes the demo as soon as it listens,
// until traffic shows.
func TestDemoShowsTrafficWithinSeconds(t *testing.T) {
	p := start(t, nil, "demo", "--web.listen-address", "127.0.0.1:0", "--web.last-scrape-wait", "0s")
	began := time.Now()
	url := p.url()
	for sample(t, url, `flowlog_received_bytes_total\{.*\}`) == 0 {
		if time.Since(began) > patience {
			t.Fatalf("no traffic:\n%s", p.output)
		}
	}
	t.Logf("first scrape with traffic %v after the start", time.Since(began).Round(time.Millisecond))
	if status := p.stop(); status != exitOK {
		t.Errorf("exit status %d:\n%s", status, p.output)
	}
}

// sample scrapes, and adds up the samples whose series match.
func sample(t *testing.T, url, series string) (sum float64) {
	t.Helper()
	_, text := get(t, url+"/metrics")
	for _, m := range regexp.MustCompile(`(?m)^`+series+` (\S+)$`).FindAllStringSubmatch(text, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += v
	}
	return sum
}

// until scrapes until the samples whose series match add up to want.
func until(t *testing.T, p *process, url, series string, want float64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got float64
	for ctx.Err() == nil {
		if got = sample(t, url, series); got == want {
			return
		}
	}
	t.Fatalf("%s adds up to %v, want %v\n%s", series, got, want, p.output)
}

// TestDemoCountsTheTruth reads what a synthetic VPC wrote with the real binary,
// and compares every total with what the VPC knows that it wrote.
func TestDemoCountsTheTruth(t *testing.T) {
	synthetic, stream := demo.NewVPC(7), &demo.Kinesis{Stream: "flow-logs", Shards: 3}
	for range 20 {
		for _, e := range synthetic.Next(time.Now(), 500) {
			stream.Put(e.Data)
		}
	}
	truth := synthetic.Truth()
	p, url := reading(t, stream, synthetic.Subnets())
	var records uint64
	for _, a := range truth.Traffic {
		records += a.Flows
	}
	records += truth.NoData + truth.SkipData + truth.Control
	until(t, p, url, `flowlog_records_total\{.*\}`, float64(records))
	for place, want := range truth.Traffic {
		series := `subnet="` + regexp.QuoteMeta(place.CIDR) + `",vpc_id=".*"`
		name := map[flow.Direction]string{flow.Ingress: "received", flow.Egress: "sent"}[place.Direction]
		if place.Action == flow.Reject {
			name, series = "denied", `direction="`+place.Direction.String()+`",`+series
		}
		for unit, n := range map[string]uint64{"flows": want.Flows, "packets": want.Packets, "bytes": want.Bytes} {
			if got := sample(t, url, "flowlog_"+name+"_"+unit+`_total\{`+series+`\}`); got != float64(n) {
				t.Errorf("%v %s %s %s: %v, want %d", place.CIDR, place.Direction, name, unit, got, n)
			}
		}
	}
	t.Logf("%d records, %d placements: all totals as written", records, len(truth.Traffic))
}

// reading starts the binary on a stream, from its oldest record.
func reading(t *testing.T, stream *demo.Kinesis, subnets []flow.Subnet, args ...string) (*process, string) {
	t.Helper()
	aws := httptest.NewServer(stream)
	t.Cleanup(aws.Close)
	var list strings.Builder
	for _, s := range subnets {
		for _, p := range s.Prefixes {
			list.WriteString(p.String() + " subnet_id=" + s.ID + " vpc_id=" + s.VPCID + "\n")
		}
	}
	file := filepath.Join(t.TempDir(), "subnets.txt")
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, append([]string{"AWS_ENDPOINT_URL=" + aws.URL}, keys...), append([]string{
		"-stream", "flow-logs", "-region", "eu-west-1", "--kinesis.start", "trim_horizon", "--format",
		"${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}",
		"--subnets.file", file, "--web.listen-address", "127.0.0.1:0", "--state.commit-interval", "50ms",
	}, args...)...)
	return p, p.url()
}

// TestStopAnswersALastScrape: after SIGTERM whoever scrapes sees the final
// totals once, and the exit status is 0.
func TestStopAnswersALastScrape(t *testing.T) {
	synthetic, stream := demo.NewVPC(7), &demo.Kinesis{Stream: "flow-logs"}
	for _, e := range synthetic.Next(time.Now(), 100) {
		stream.Put(e.Data)
	}
	p, url := reading(t, stream, synthetic.Subnets(), "--web.last-scrape-wait", "30s")
	p.await("subnets read")
	sample(t, url, "up") // somebody scrapes
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.await("waiting for a last scrape")
	_, text := get(t, url+"/metrics")
	if !strings.Contains(text, "flowlog_records_total") {
		t.Errorf("the last scrape shows no totals:\n%s", text)
	}
	if status := p.exit(); status != exitOK {
		t.Errorf("exit status %d:\n%s", status, p.output)
	}
}

// TestReadiness: healthy at once, ready when shards and subnets were read.
func TestReadiness(t *testing.T) {
	stream := &demo.Kinesis{Stream: "flow-logs"}
	p, url := reading(t, stream, demo.NewVPC(1).Subnets(), "-shards", "4")
	p.await("shards")
	until(t, p, url, `flowlog_source_up\{.*\}`, 1)
	for _, path := range []string{"/-/ready", "/-/healthy", "/health"} {
		if code, body := get(t, url+path); code != 200 {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, body := get(t, url+"/"); code != 200 || !strings.Contains(body, "/metrics") {
		t.Errorf("landing page: %d %s", code, body)
	}
}

// TestDenyLogFollowsARotation: after SIGHUP lines go to a new file, and none is
// lost or written twice.
func TestDenyLogFollowsARotation(t *testing.T) {
	synthetic, stream := demo.NewVPC(3), &demo.Kinesis{Stream: "flow-logs"}
	log := filepath.Join(t.TempDir(), "deny.log")
	p, url := reading(t, stream, synthetic.Subnets(), "--deny-log.output", "file:"+log, "--deny-log.rate", "0", "--kinesis.poll-interval", "200ms")
	write := func() (denied float64) {
		for range 10 {
			for _, e := range synthetic.Next(time.Now(), 500) {
				stream.Put(e.Data)
			}
		}
		for place, a := range synthetic.Truth().Traffic {
			if place.Action == flow.Reject {
				denied += float64(a.Flows)
			}
		}
		return denied
	}
	const written = `flowlog_deny_log_records_total\{.*\}`
	until(t, p, url, written, write())
	until(t, p, url, `flowlog_deny_log_queue_length\{.*\}`, 0)
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	awaitFile(t, log)
	total := write()
	until(t, p, url, written, total)
	if status := p.stop(); status != exitOK {
		t.Fatalf("exit status %d:\n%s", status, p.output)
	}
	before, after := denials(t, log+".1"), denials(t, log)
	if before == 0 || after == 0 || float64(before+after) != total {
		t.Errorf("%d lines before the rotation and %d after, want %v", before, after, total)
	}
}

func awaitFile(t *testing.T, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s did not appear", path)
		}
	}
}

// denials counts the lines of a deny log; each must be a JSON document.
func denials(t *testing.T, path string) (n int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if !json.Valid(line) {
			t.Errorf("no JSON: %s", line)
		}
		n++
	}
	return n
}

// TestFilesAreReadOnce: the input file serves its totals until it is stopped.
func TestFilesAreReadOnce(t *testing.T) {
	p := start(t, nil, "--file.path", "testdata/*.log", "--subnets.file", "testdata/subnets.txt", "--web.listen-address", "127.0.0.1:0", "--state.commit-interval", "50ms")
	url := p.url()
	until(t, p, url, `flowlog_records_total\{.*\}`, 16)
	until(t, p, url, `flowlog_source_messages_total\{.*\}`, 2)
	if status := p.stop(); status != exitOK {
		t.Errorf("exit status %d:\n%s", status, p.output)
	}
}

// TestFlagsHaveEnvironmentTwins: a flag wins over its twin, a twin over nothing.
func TestFlagsHaveEnvironmentTwins(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	env := []string{
		"FLOWLOG_FILE_PATH=testdata/default.log", "FLOWLOG_SUBNETS_FILE=testdata/subnets.txt",
		"FLOWLOG_WEB_LISTEN_ADDRESS=" + listener.Addr().String(), "FLOWLOG_LOG_FORMAT=logfmt",
	}
	if status := start(t, env).exit(); status != exitRuntime {
		t.Errorf("the address of the environment was not used: exit status %d", status)
	}
	p := start(t, env, "--web.listen-address", "127.0.0.1:0", "--state.commit-interval", "50ms")
	until(t, p, p.url(), `flowlog_records_total\{.*\}`, 12)
	wrong := start(t, append(env, "FLOWLOG_SUBNETS_REFRESH=often"))
	if status := wrong.exit(); status != exitUsage || !strings.Contains(wrong.output.String(), "FLOWLOG_SUBNETS_REFRESH") {
		t.Errorf("exit status %d: %s", status, wrong.output)
	}
}
