package command

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime/metrics"
	"strings"
	"testing"
	"unicode"
)

// FuzzConfiguration: whatever stands on the command line and in the environment,
// the answer is settings that mean something, help, or one sentence that names
// what is wrong. Arguments and variables are separated by NUL, which neither
// can hold.
func FuzzConfiguration(f *testing.F) {
	for _, seed := range []struct{ args, env string }{
		{"-stream logs -region eu-west-1", ""},
		{"run --kinesis.stream arn:aws:kinesis:eu-west-1:123456789012:stream/logs --state.path /var/lib/x --state.commit-interval 1s", "FLOWLOG_AWS_REGION=eu-west-1"},
		{"-stream a --kinesis.stream b", ""},
		{"-stream a -port 9000 -shards 4 -log_deny -debug", "FLOWLOG_PORT=tcp://10.0.0.1:8080"},
		{"-stream a --web.listen-address :80 --web.listen-address [::1]:81 --web.telemetry-path /m", "FLOWLOG_WEB_LISTEN_ADDRESS=:1,:2,"},
		{"--file.path a --file.path b,c -- d", "FLOWLOG_FILE_PATH=e,f"},
		{"-stream a --decode.max-inflated 2147483647KiB --subnets.refresh 2562047h47m16.854775807s", "FLOWLOG_SUBNETS_REFRESH=-1ns"},
		{"-stream a --kinesis.start 2026-01-02T03:04:05.000000001Z", "FLOWLOG_KINESIS_START=trim_horizon"},
		{"-stream a --format ${version}\u00a0${account-id} --log.level debug --log.format json", "FLOWLOG_FORMAT=version srcaddr"},
		{"replay a.log --output json --format auto -region eu-west-1", "FLOWLOG_OUTPUT=prom"},
		{"demo --rate 10 --seed 18446744073709551615", "FLOWLOG_RATE=0x7fffffff"},
		{"demo --deny-log.output file:/dev/null --deny-log.format legacy --deny-log.rate 0", "FLOWLOG_DENY_LOG_RATE=-1"},
		{"version extra", ""}, {"help run", ""}, {"--help", ""}, {"-stream", ""}, {"---", ""}, {"-=", ""}, {"-debug=maybe", ""},
		{"-stream a --web.last-scrape-wait 1e9h", "FLOWLOG_REQUIRE_HEALTHY=1"},
		{"-\x1b[31m", "FLOWLOG_STREAM=\x9b\xff\u202e"},
	} {
		f.Add(strings.ReplaceAll(seed.args, " ", "\x00"), strings.ReplaceAll(seed.env, " ", "\x00"))
	}
	f.Fuzz(func(t *testing.T, line, env string) {
		cmd, args := choose(split(line))
		if cmd.name == "help" {
			if p := (&program{stdout: io.Discard, stderr: io.Discard}); p.help(args) > exitUsage {
				t.Error("help fails")
			}
			return
		}
		if cmd.takesFile || strings.Contains(line, "config.file") || strings.Contains(env, twin("config.file")) {
			return // files of this machine; what is in them is the matter of FuzzConfigFile
		}
		before := allocated()
		s, rest, err := configure(cmd, args, variables(env))
		if took, most := allocated()-before, uint64(1<<20+100*(len(line)+len(env))); took > most {
			t.Errorf("%d bytes of configuration took %d bytes of memory", len(line)+len(env), took)
		}
		switch {
		case errors.Is(err, flag.ErrHelp):
		case err != nil:
			complains(t, cmd, err)
		default:
			meaningful(t, cmd, s)
			again(t, cmd, s, rest)
		}
	})
}

// split returns the arguments of a line.
func split(line string) []string {
	if line == "" {
		return nil
	}
	return strings.Split(line, "\x00")
}

// variables looks names up as environment does.
func variables(env string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, v := range split(env) {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value, value != ""
			}
		}
		return "", false
	}
}

// allocated is how many bytes the process has ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// complains checks that an error is a usage error that fits a line and names a
// flag, a variable or the word that is none.
func complains(t *testing.T, cmd command, err error) {
	t.Helper()
	text := err.Error()
	var usage usageError
	if !errors.As(err, &usage) {
		t.Errorf("no usage error: %q", text)
	}
	for line := range strings.SplitSeq(text, "\n") {
		complainsIn(t, cmd, line)
	}
}

// complainsIn checks one line of an error.
func complainsIn(t *testing.T, cmd command, text string) {
	t.Helper()
	if len(text) > 1000 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("no sentence for a terminal: %q", text)
	}
	for _, whole := range []string{"is no command and no flag", "flag provided but not defined: -", "bad flag syntax: -", "nothing to read: ", "nothing to replay; "} {
		if strings.Contains(text, whole) {
			return
		}
	}
	for _, o := range cmd.all(&settings{}) {
		if strings.Contains(text, "-"+o.name) || strings.Contains(text, twin(o.name)) {
			return
		}
	}
	t.Errorf("no flag is named: %q", text)
}

// meaningful checks what the rest of the program takes for granted.
func meaningful(t *testing.T, cmd command, s *settings) {
	t.Helper()
	if cmd.name == "version" {
		return
	}
	if s.maxInflated < 0 || s.maxInflated > 1<<40 || s.denyRate < 0 || s.subnetsRefresh < minInterval || s.subnetsRefresh > maxInterval {
		t.Errorf("got %+v", s)
	}
	if cmd.name == "replay" {
		return
	}
	if len(s.listen) == 0 || s.telemetryPath[0] != '/' || s.kinesis.shards < 0 || s.commitInterval < minInterval || s.kinesis.pollInterval < minInterval ||
		s.commitInterval > maxInterval || s.kinesis.pollInterval > maxInterval || s.lastScrapeWait < 0 || s.lastScrapeWait > maxInterval {
		t.Errorf("got %+v", s)
	}
}

// again writes the settings down as arguments, which must mean the same.
func again(t *testing.T, cmd command, s *settings, rest []string) {
	t.Helper()
	copied := &settings{}
	options := newForm(cmd.all(copied))
	*copied = *s
	var args []string
	options.flags.VisitAll(func(f *flag.Flag) {
		_, old := spellings[f.Name]
		if l, ok := f.Value.(repeatable); ok {
			for _, v := range l.all() {
				args = append(args, "--"+f.Name+"="+v)
			}
		} else if !old {
			args = append(args, "--"+f.Name+"="+f.Value.String())
		}
	})
	second, _, err := configure(cmd, append(append(args, "--"), rest...), variables(""))
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	want := *s
	want.port, want.debug, want.denyLegacy = 0, false, false // what they mean is written down
	if cmd.options == nil {
		return
	}
	if len(want.file.paths) == 0 {
		second.file.paths, want.file.paths = nil, nil
	}
	second.inputs, want.inputs = second.flagged(), want.flagged() // where they point to is no matter
	second.form, want.form = nil, nil
	for i := range want.inputs {
		second.inputs[i].form, want.inputs[i].form = nil, nil
	}
	if !reflect.DeepEqual(second, &want) {
		t.Errorf("%q\ngot  %+v\nwant %+v", args, second, &want)
	}
}

// FuzzConfigFile: whatever the file says, the answer is settings that mean something, or
// sentences that name the file.
func FuzzConfigFile(f *testing.F) {
	for _, seed := range []string{
		"inputs:\n  - kinesis: {stream: a}\n", "inputs:\n  - name: a\n    file: {path: [x]}\n  - name: b\n    kinesis: {stream: s, max_buffered: 1KiB}\n",
		"subnets: {static: {10.0.0.0/8: x, y: z}, refresh: 5}\nweb: {listen_address: [a, b]}\nlog: {level: loud}\n", "state: {path: !!int x}\n", "inputs: [[]]\n",
	} {
		f.Add(seed)
	}
	path := filepath.Join(f.TempDir(), "f.yml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, _, err := configure(called("check"), []string{path}, variables(""))
		if err == nil {
			meaningful(t, called("check"), s)
			return
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if len(line) > 1000 || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("no sentence for a terminal: %q", line)
			}
			if !strings.HasPrefix(line, path+":") && !strings.HasPrefix(line, "nothing to read: ") {
				t.Errorf("the file is not named: %q", line)
			}
		}
	})
}
