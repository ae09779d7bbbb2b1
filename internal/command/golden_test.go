package command

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestGolden runs the whole program on each testdata/*.log: what it counts is
// the .prom file beside it, what it logs as denied the .deny file.
func TestGolden(t *testing.T) {
	logs, err := filepath.Glob("testdata/*.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("no golden logs: %v", err)
	}
	for _, log := range logs {
		t.Run(filepath.Base(log), func(t *testing.T) {
			base := strings.TrimSuffix(log, ".log")
			for _, format := range []string{"json", "logfmt", "legacy"} {
				p := start(t, nil, "replay", "--subnets.file", "testdata/subnets.txt", "--output", "prom",
					"--deny-log.output", "stderr", "--deny-log.format", format, "--log.level", "error", log)
				if status := p.exit(); status != exitOK {
					t.Fatalf("exit status %d:\n%s", status, p.output)
				}
				golden(t, base+".prom", steady(p.stdout.String()))
				golden(t, base+"."+format+".deny", p.output.String())
			}
		})
	}
}

// steady leaves out what the clock decides: the delay of records, and when the
// subnets were read.
func steady(metrics string) string {
	var kept strings.Builder
	for line := range strings.Lines(metrics) {
		if !strings.Contains(line, "flowlog_record_delay_seconds") && !strings.Contains(line, "refresh_last_success_timestamp_seconds") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func TestReplayReports(t *testing.T) {
	for _, output := range []string{"summary", "json"} {
		p := start(t, nil, "replay", "--subnets.file", "testdata/subnets.txt", "--output", output, "testdata/custom.log", "testdata/d*.log")
		if status := p.exit(); status != exitOK {
			t.Fatalf("exit status %d:\n%s", status, p.output)
		}
		golden(t, "testdata/replay."+output, p.stdout.String())
	}
}

// TestHelp keeps the texts of --help, which are part of the contract.
func TestHelp(t *testing.T) {
	for _, topic := range []string{"", "run", "replay", "demo"} {
		p := start(t, nil, append([]string{"help"}, strings.Fields(topic)...)...)
		if status := p.exit(); status != exitOK {
			t.Fatalf("exit status %d:\n%s", status, p.output)
		}
		golden(t, "testdata/help-"+topic+".txt", p.stdout.String())
	}
}

// TestHelpFitsAScreen: the overview as a whole, topics in their width.
func TestHelpFitsAScreen(t *testing.T) {
	for _, about := range append([]string{""}, topics()...) {
		var out strings.Builder
		p := &program{stdout: &out}
		if status := p.help(strings.Fields(about)); status != exitOK {
			t.Fatalf("%s: exit status %d", about, status)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if about == "" && len(lines) > screenHeight {
			t.Errorf("help has %d lines", len(lines))
		}
		for _, line := range lines {
			if len(line) > screenWidth {
				t.Errorf("help %s has a line of %d columns: %s", about, len(line), line)
			}
		}
	}
}

// TestHelpOnNothing names what was probably meant.
func TestHelpOnNothing(t *testing.T) {
	p := start(t, nil, "help", "metrisc")
	if status := p.exit(); status != exitUsage || !strings.Contains(p.output.String(), `no help on "metrisc"; did you mean metrics?`) {
		t.Errorf("exit status %d: %s", status, p.output)
	}
}
