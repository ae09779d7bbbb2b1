package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/pipeline"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
)

// TestReplayOfATime: records count by their end, the first second in and the last
// one out; what a reader has written stays as it is.
func TestReplayOfATime(t *testing.T) {
	begin := time.Unix(1000, 0)
	c := &cut{span: spanOf(begin, time.Unix(2000, 1))}
	b := &flowlog.Block{}
	for _, end := range []int64{999, 1000, 2000, 2001, 0, 1500} {
		b.Records = append(b.Records, flow.Record{End: end})
	}
	b.Skipped[flow.NoData] = 7
	got := c.cut(b)
	var ends []int64
	for _, r := range got.Records {
		ends = append(ends, r.End)
	}
	if len(ends) != 4 || ends[0] != 1000 || ends[1] != 2000 || ends[2] != 0 || ends[3] != 1500 {
		t.Errorf("got %v", ends)
	}
	if got.Skipped[flow.TooOld] != 2 || got.Skipped[flow.NoData] != 7 || b.Skipped[flow.TooOld] != 0 || b.Records[0].End != 999 {
		t.Errorf("got %+v of %+v", got.Skipped, b.Skipped)
	}
	if whole := (&flowlog.Block{Records: b.Records[1:2]}); c.cut(whole) != whole {
		t.Error("what is whole is copied")
	}
}

// TestReplayOpenMetrics replays the example folder and reads what is written.
func TestReplayOpenMetrics(t *testing.T) {
	dir := t.TempDir()
	logs, out := filepath.Join(dir, "logs"), filepath.Join(dir, "history.om")
	if err := os.Mkdir(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	line := "2 123456789012 eni-1 203.0.113.9 172.31.16.21 443 5000 6 3 %BYTES% 1700000000 %END% ACCEPT OK\n"
	text := strings.NewReplacer("%BYTES%", "100", "%END%", "1700000039").Replace(line) +
		strings.NewReplacer("%BYTES%", "11", "%END%", "1700000100").Replace(line) +
		strings.NewReplacer("%BYTES%", "1000", "%END%", "1700009999").Replace(line)
	if err := os.WriteFile(filepath.Join(logs, "a.log"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	subnets := filepath.Join(dir, "subnets.txt")
	if err := os.WriteFile(subnets, []byte("172.31.16.0/20\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, nil, "replay", "--subnets.file", subnets, "--output", "openmetrics", "--output.file", out, "--to", "2023-11-14T23:00:00Z", logs)
	if status := p.exit(); status != exitOK {
		t.Fatalf("exit status %d:\n%s", status, p.output)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# TYPE flowlog_received_bytes counter\n",
		`flowlog_received_bytes_total{subnet="172.31.16.0/20",vpc_id=""} 0 1699999980` + "\n" +
			`flowlog_received_bytes_total{subnet="172.31.16.0/20",vpc_id=""} 100 1700000040` + "\n" +
			`flowlog_received_bytes_total{subnet="172.31.16.0/20",vpc_id=""} 111 1700000160` + "\n",
	} {
		// The minute between has a sample too.
		want = strings.Replace(want, "111 1700000160", "100 1700000100\n"+`flowlog_received_bytes_total{subnet="172.31.16.0/20",vpc_id=""} 111 1700000160`, 1)
		if !strings.Contains(string(got), want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if left, _ := filepath.Glob(out + ".*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestReplayLogsAllDeniedFlows: more denied flows at once than a second or the queue
// takes live are all in the deny log; those that a given rate leaves out are told.
func TestReplayLogsAllDeniedFlows(t *testing.T) {
	const flows = 20_000
	dir := t.TempDir()
	logs := filepath.Join(dir, "a.log")
	line := "2 123456789012 eni-1 203.0.113.9 172.31.16.21 443 5000 6 3 10 1700000000 1700000039 REJECT OK\n"
	if err := os.WriteFile(logs, []byte(strings.Repeat(line, flows)), 0o600); err != nil {
		t.Fatal(err)
	}
	deny := filepath.Join(dir, "deny.log")
	args := []string{"replay", "--subnets.file", "testdata/subnets.txt", "--deny-log.output", "file:" + deny, logs}
	if p := start(t, nil, args...); p.exit() != exitOK || strings.Contains(p.output.String(), "left out") {
		t.Errorf("got %s", p.output)
	}
	got, err := os.ReadFile(deny)
	if n := strings.Count(string(got), "POLICY_DENIED\""); err != nil || n != flows {
		t.Errorf("%d lines, want %d, %v", n, flows, err)
	}
	p := start(t, nil, append(args, "--deny-log.rate", "1")...)
	if p.exit() != exitOK || !strings.Contains(p.stdout.String(), "denied flows left out of the deny log") {
		t.Errorf("got %s", p.output)
	}
}

func TestProgress(t *testing.T) {
	for _, test := range []struct {
		done, total int64
		took        time.Duration
		want        string
	}{
		{0, 1 << 30, time.Minute, "[                                        ]   0 %  0 of 1024 MiB"},
		{512 << 20, 1 << 30, time.Minute, "[====================                    ]  50 %  512 of 1024 MiB  8.5 MiB/s, 1m0s left"},
		{2 << 60, 1 << 60, time.Second, "[========================================] 100 %  1099511627776 of 1099511627776 MiB  1099511627776.0 MiB/s, 0s left"},
	} {
		if got := progress(test.done, test.total, test.took); got != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
	}
}

// called returns the command of a name.
func called(name string) command {
	cmd, _ := choose([]string{name})
	return cmd
}

func TestWrongReplays(t *testing.T) {
	for args, want := range map[string]string{
		"--resolution 500ms a":                "--resolution 500ms is not whole seconds between 1s and 8760h0m0s",
		"--from 2026-01-02 --to 2026-01-02 a": "--from 2026-01-02T00:00:00Z is not before --to 2026-01-02T00:00:00Z",
		"--from yesterday a":                  "write a day as 2006-01-02",
		"--parallel 257 a":                    "--parallel 257 is not between 0 and 256",
		"s3://":                               `nothing to replay; "s3://" names no objects; write it as s3://BUCKET/PREFIX`,
		"":                                    "nothing to replay; name files",
		"--output openmetrics --deny-log.output stdout a": "would mix",
	} {
		_, _, err := configure(called("replay"), strings.Fields(args), variables(""))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// TestHistoryThatIsTooLong: the replay ends, writes nothing and says the remedy.
func TestHistoryThatIsTooLong(t *testing.T) {
	out := filepath.Join(t.TempDir(), "history.om")
	s := &settings{output: "openmetrics", replay: replaySettings{resolution: time.Second, file: out}}
	e := &engine{pipeline: &pipeline.Pipeline{NewTally: func() pipeline.Tally { return traffic.New().Tally() }}}
	ctx, h := keepHistory(t.Context(), e, s)
	tally, subnet := e.pipeline.NewTally(), &flow.Subnet{}
	block := make([]flow.Record, 1024)
	for n := int64(0); n <= traffic.MostHistory; {
		for i := range block {
			n++
			block[i] = flow.Record{Subnet: subnet, End: n, Bytes: 1}
		}
		tally.Observe(block)
	}
	if cause := context.Cause(ctx); !errors.Is(cause, errFull) || !strings.Contains(cause.Error(), "--from and --to, or with a larger --resolution") {
		t.Errorf("got %v", cause)
	}
	var stdout strings.Builder
	if err := s.report(&stdout, totals{history: h}); err != nil {
		t.Fatal(err)
	}
	s.replay.file = ""
	if err := s.report(&stdout, totals{history: h}); err != nil || stdout.Len() > 0 {
		t.Errorf("%v, %d bytes are written", err, stdout.Len())
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a file is written")
	}
	var used runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&used)
	t.Logf("a full history: %d MiB", used.HeapAlloc>>20)
	runtime.KeepAlive(tally)
}
