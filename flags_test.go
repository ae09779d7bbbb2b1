package main

import (
	"errors"
	"strings"
	"testing"
)

// settled parses arguments as run does.
func settled(args ...string) (*settings, error) {
	var s settings
	var options []option
	for _, group := range runOptions(&s) {
		options = append(options, group...)
	}
	if _, err := parse(options, args, func(string) (string, bool) { return "", false }); err != nil {
		return nil, err
	}
	return &s, s.settle()
}

func TestOldSpellings(t *testing.T) {
	s, err := settled("-stream", "logs", "-region", "eu-west-1", "-shards", "4", "-port", "9000", "-log_deny", "-debug")
	if err != nil {
		t.Fatal(err)
	}
	if s.stream != "logs" || s.region != "eu-west-1" || s.shards != 4 || s.listen.String() != ":9000" ||
		s.denyOutput != "stdout" || s.logLevel != "debug" {
		t.Errorf("got %+v", s)
	}
}

func TestDefaults(t *testing.T) {
	s, err := settled()
	if err != nil {
		t.Fatal(err)
	}
	if s.start != "latest" || s.listen.String() != ":8080" || s.denyOutput != "off" || s.maxInflated.String() != "64MiB" || s.format != "auto" {
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
		{"refresh", "--subnets.refresh 0s", "not above 0"},
		{"size without unit", "--decode.max-inflated 64", "as 64MiB"},
		{"size of nothing", "--decode.max-inflated 0MiB", "as 64MiB"},
		{"negative size", "--decode.max-inflated -1MiB", "as 64MiB"},
		{"vast size", "--decode.max-inflated 2147483647GiB", "as 64MiB"},
		{"unknown", "--nope", "not defined"},
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
		var s settings
		for _, group := range c.options(&s) {
			for _, o := range group {
				if other, ok := seen[twin(o.name)]; ok {
					t.Errorf("%s: %s and %s share %s", c.name, o.name, other, twin(o.name))
				}
				seen[twin(o.name)] = o.name
			}
		}
	}
	if got := twin("kinesis.poll-interval"); got != "FLOWLOG_KINESIS_POLL_INTERVAL" {
		t.Errorf("got %s", got)
	}
}
