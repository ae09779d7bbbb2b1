package command

import (
	"errors"
	"strings"
	"testing"
)

// settled parses arguments as run does, without an environment.
func settled(args ...string) (*settings, error) { return settledIn(nil, args...) }

func settledIn(env map[string]string, args ...string) (*settings, error) {
	serve := command{options: runOptions, settle: func(s *settings, _ []string) error { return s.settle() }}
	s, _, err := configure(serve, args, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	return s, err
}

func TestOldSpellings(t *testing.T) {
	s, err := settled("-stream", "logs", "-region", "eu-west-1", "-shards", "4", "-port", "9000", "-log_deny", "-debug")
	if err != nil {
		t.Fatal(err)
	}
	if s.kinesis.stream != "logs" || s.region != "eu-west-1" || s.kinesis.shards != 4 || s.listen.String() != ":9000" ||
		s.denyOutput != "stdout" || s.logLevel != "debug" {
		t.Errorf("got %+v", s)
	}
}

func TestDefaults(t *testing.T) {
	s, err := settled()
	if err != nil {
		t.Fatal(err)
	}
	if s.kinesis.start != "latest" || s.listen.String() != ":8080" || s.denyOutput != "off" || s.maxInflated.String() != "64MiB" || s.format != "auto" {
		t.Errorf("got %+v", s)
	}
}

func TestDenyOutputWinsOverItsOldSpelling(t *testing.T) {
	s, err := settled("-log_deny", "--deny-log.output", "stderr")
	if err != nil || s.denyOutput != "stderr" {
		t.Errorf("%+v %v", s, err)
	}
}

func TestWrongFlags(t *testing.T) {
	for _, test := range []struct{ name, args, says string }{
		{"both ports", "-port 80 --web.listen-address :81", "keep one"},
		{"no port", "-port 70000", "1 to 65535"},
		{"path", "--web.telemetry-path metrics", "does not begin with /"},
		{"refresh", "--subnets.refresh 0s", "--subnets.refresh 0s is not between"},
		{"refresh that overflows", "--subnets.refresh 2562047h", "--subnets.refresh 2562047h0m0s is not between"},
		{"commits without pause", "--state.commit-interval 1ns", "--state.commit-interval 1ns is not between"},
		{"last scrape", "--web.last-scrape-wait -1s", "--web.last-scrape-wait -1s is not between"},
		{"start", "--kinesis.start yesterday", "--kinesis.start: "},
		{"format", "--format version,version", "--format: "},
		{"deny log", "--deny-log.output syslog", "--deny-log.output: "},
		{"deny log format", "--deny-log.format xml", "--deny-log.format: "},
		{"deny log rate", "--deny-log.rate -1", "--deny-log.rate -1"},
		{"level", "--log.level loud", "--log.level: "},
		{"size without unit", "--decode.max-inflated 64", "as 64MiB"},
		{"size of nothing", "--decode.max-inflated 0MiB", "as 64MiB"},
		{"negative size", "--decode.max-inflated -1MiB", "as 64MiB"},
		{"vast size", "--decode.max-inflated 2147483647GiB", "as 64MiB"},
		{"memory below one answer", "--kinesis.max-buffered 31MiB", "below the 32MiB"},
		{"unknown", "--nope", "not defined"},
		{"two streams", "-stream a --kinesis.stream b", "keep one"},
		{"two regions", "-region a --aws.region b", "keep one"},
		{"negative shards", "-shards -1", "no number of shards"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := settled(strings.Fields(test.args)...)
			var usage usageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestEveryFlagHasATwinOfItsOwn: no two flags share a variable.
func TestEveryFlagHasATwinOfItsOwn(t *testing.T) {
	for _, c := range commands {
		if c.options == nil {
			continue
		}
		seen := map[string]string{}
		for _, o := range c.all(&settings{}) {
			if other, ok := seen[twin(o.name)]; ok {
				t.Errorf("%s: %s and %s share %s", c.name, o.name, other, twin(o.name))
			}
			seen[twin(o.name)] = o.name
		}
	}
	if got := twin("kinesis.poll-interval"); got != "FLOWLOG_KINESIS_POLL_INTERVAL" {
		t.Errorf("got %s", got)
	}
}

// TestFlagsWinOverEveryTwin: also over the twin of their other spelling.
func TestFlagsWinOverEveryTwin(t *testing.T) {
	for _, test := range []struct {
		name, variable, value, args string
		got                         func(*settings) string
		want                        string
	}{
		{"stream", "FLOWLOG_KINESIS_STREAM", "env", "-stream flag", func(s *settings) string { return s.kinesis.stream }, "flag"},
		{"kinesis.stream", "FLOWLOG_STREAM", "env", "--kinesis.stream flag", func(s *settings) string { return s.kinesis.stream }, "flag"},
		{"region", "FLOWLOG_AWS_REGION", "env", "-region flag", func(s *settings) string { return s.region }, "flag"},
		{"aws.region", "FLOWLOG_REGION", "env", "--aws.region flag", func(s *settings) string { return s.region }, "flag"},
		{"port", "FLOWLOG_WEB_LISTEN_ADDRESS", ":1", "-port 2", func(s *settings) string { return s.listen.String() }, ":2"},
		{"listen address", "FLOWLOG_PORT", "1", "--web.listen-address :2", func(s *settings) string { return s.listen.String() }, ":2"},
		{"log_deny", "FLOWLOG_DENY_LOG_OUTPUT", "stderr", "-log_deny", func(s *settings) string { return s.denyOutput }, "stdout"},
		{"no log_deny", "FLOWLOG_DENY_LOG_OUTPUT", "stderr", "-log_deny=false", func(s *settings) string { return s.denyOutput }, "off"},
		{"deny-log.output", "FLOWLOG_LOG_DENY", "true", "--deny-log.output off", func(s *settings) string { return s.denyOutput }, "off"},
		{"log.level", "FLOWLOG_DEBUG", "true", "--log.level warn", func(s *settings) string { return s.logLevel }, "warn"},
		// What Kubernetes sets for a service that is called flowlog.
		{"service", "FLOWLOG_PORT", "tcp://10.0.0.1:8080", "", func(s *settings) string { return s.listen.String() }, ":8080"},
		{"many in one twin", "FLOWLOG_FILE_PATH", "a,b", "", func(s *settings) string { return strings.Join(s.file.paths, " ") }, "a b"},
		{"a comma in a flag", "", "", "--file.path [a,b].log", func(s *settings) string { return strings.Join(s.file.paths, " ") }, "[a,b].log"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := settledIn(map[string]string{test.variable: test.value}, strings.Fields(test.args)...)
			if err != nil {
				t.Fatal(err)
			}
			if got := test.got(s); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
