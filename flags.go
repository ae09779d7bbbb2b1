package main

import (
	"flag"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/promslog"
)

// settings are what flags and environment say.
type settings struct {
	stream       string
	start        string
	pollInterval time.Duration
	shards       int
	files        list
	s3           s3Settings

	region, assumeRole, endpointURL string

	format         string
	maxInflated    size
	subnetsFile    string
	subnetsRefresh time.Duration

	statePath      string
	commitInterval time.Duration

	denyOutput, denyFormat string
	denyRate               int
	denyLegacy             bool

	listen         list
	port           int
	telemetryPath  string
	webConfigFile  string
	systemdSocket  bool
	lastScrapeWait time.Duration

	logLevel, logFormat string
	debug               bool
	requireHealthy      bool

	output string // of replay
	rate   int    // of demo
	seed   uint64 // of demo
}

// option is one flag of the command line. Its environment twin is FLOWLOG_ and
// the name in upper case, other characters replaced by "_".
type option struct {
	name, usage string
	register    func(fs *flag.FlagSet, name, usage string)
}

func text(p *string, name, value, usage string) option {
	return option{name, usage, func(fs *flag.FlagSet, name, usage string) { fs.StringVar(p, name, value, usage) }}
}

func number(p *int, name string, value int, usage string) option {
	return option{name, usage, func(fs *flag.FlagSet, name, usage string) { fs.IntVar(p, name, value, usage) }}
}

func duration(p *time.Duration, name string, value time.Duration, usage string) option {
	return option{name, usage, func(fs *flag.FlagSet, name, usage string) { fs.DurationVar(p, name, value, usage) }}
}

func toggle(p *bool, name, usage string) option {
	return option{name, usage, func(fs *flag.FlagSet, name, usage string) { fs.BoolVar(p, name, false, usage) }}
}

func value(p flag.Value, name, usage string) option {
	return option{name, usage, func(fs *flag.FlagSet, name, usage string) { fs.Var(p, name, usage) }}
}

func (s *settings) inputOptions() []option {
	return []option{
		text(&s.stream, "kinesis.stream", "", "Kinesis stream to read, by `name or ARN`"),
		text(&s.start, "kinesis.start", "latest", "where to start: latest, trim_horizon or an `RFC 3339 time`"),
		duration(&s.pollInterval, "kinesis.poll-interval", time.Second, "pause between reads of a shard that is caught up"),
		value(&s.files, "file.path", "`file` or glob of flow logs to read once; repeatable"),
	}
}

func (s *settings) awsOptions() []option {
	return []option{
		text(&s.region, "aws.region", "", "AWS `region`; else the SDK's own chain or the stream's ARN"),
		text(&s.assumeRole, "aws.assume-role", "", "`ARN` of a role to assume"),
		text(&s.endpointURL, "aws.endpoint-url", "", "`URL` that answers instead of AWS"),
	}
}

func (s *settings) recordOptions() []option {
	s.maxInflated = 64 << 20
	return []option{
		text(&s.format, "format", "auto", "flow log `format`, as '${version} ${account-id} ...'; auto asks DescribeFlowLogs"),
		value(&s.maxInflated, "decode.max-inflated", "largest `size` that one message may inflate to"),
		text(&s.subnetsFile, "subnets.file", "", "`file` of subnets, one a line, instead of asking EC2"),
		duration(&s.subnetsRefresh, "subnets.refresh", 5*time.Minute, "how often the subnet list is read again"),
	}
}

func (s *settings) denyOptions() []option {
	return []option{
		text(&s.denyOutput, "deny-log.output", "off", "where denied flows are written: off, stdout, stderr or file:`PATH`"),
		text(&s.denyFormat, "deny-log.format", "json", "`form` of a denied flow: json, logfmt or legacy"),
		number(&s.denyRate, "deny-log.rate", 500, "most denied flows written a second, 0 for no limit; the rest is counted"),
	}
}

func (s *settings) webOptions() []option {
	return []option{
		value(&s.listen, "web.listen-address", "`address` to serve on (default :8080); repeatable"),
		text(&s.telemetryPath, "web.telemetry-path", "/metrics", "`path` of the metrics"),
		text(&s.webConfigFile, "web.config.file", "", "`file` that sets TLS and basic auth, as of the exporter toolkit"),
		toggle(&s.systemdSocket, "web.systemd-socket", "serve on the sockets that systemd hands over"),
		duration(&s.lastScrapeWait, "web.last-scrape-wait", 5*time.Second, "how long a stop waits for one more scrape, if anybody scrapes"),
	}
}

func (s *settings) logOptions() []option {
	return []option{
		text(&s.logLevel, "log.level", "info", "least severe `level` logged: debug, info, warn, error"),
		text(&s.logFormat, "log.format", "logfmt", "`form` of the log: logfmt or json"),
	}
}

func (s *settings) healthOptions() []option {
	return []option{toggle(&s.requireHealthy, "require-healthy", "exit with status 3 when AWS refuses at the start")}
}

// legacyOptions are the spellings of the original exporter.
func (s *settings) legacyOptions() []option {
	return append([]option{
		text(&s.stream, "stream", "", "same as --kinesis.stream"),
		s.regionOption(),
		number(&s.shards, "shards", 0, "shards are discovered; warns when the stream has not `N` of them"),
	}, s.legacyServing()...)
}

// legacyServing are those of whatever serves metrics.
func (s *settings) legacyServing() []option {
	return []option{
		number(&s.port, "port", 0, "same as --web.listen-address=:`N`"),
		toggle(&s.denyLegacy, "log_deny", "same as --deny-log.output=stdout"),
		toggle(&s.debug, "debug", "same as --log.level=debug"),
	}
}

// regionOption is old, and so short that other commands have it too.
func (s *settings) regionOption() option {
	return text(&s.region, "region", "", "same as --aws.region")
}

func (s *settings) replayOptions() []option {
	return []option{text(&s.output, "output", "summary", "`form` of the result: summary, prom or json")}
}

func (s *settings) demoOptions() []option {
	return []option{
		number(&s.rate, "rate", 500, "flow records a second"),
		{"seed", "`number` that decides the traffic", func(fs *flag.FlagSet, name, usage string) { fs.Uint64Var(&s.seed, name, 1, usage) }},
	}
}

// settle brings the old spellings into the new ones and checks what no single
// flag can see.
func (s *settings) settle() error {
	if s.port != 0 {
		if len(s.listen) > 0 {
			return usagef("-port and --web.listen-address are both given; keep one")
		}
		if s.port < 1 || s.port > 65535 {
			return usagef("-port %d is no port; use 1 to 65535", s.port)
		}
		s.listen = list{":" + strconv.Itoa(s.port)}
	}
	if s.shards < 0 {
		return usagef("-shards %d is no number of shards", s.shards)
	}
	if len(s.listen) == 0 {
		s.listen = list{":8080"}
	}
	if s.denyLegacy && s.denyOutput == "off" {
		s.denyOutput = "stdout"
	}
	if s.debug {
		s.logLevel = "debug"
	}
	if !strings.HasPrefix(s.telemetryPath, "/") {
		return usagef("--web.telemetry-path %q does not begin with /", s.telemetryPath)
	}
	for name, d := range map[string]time.Duration{"subnets.refresh": s.subnetsRefresh, "kinesis.poll-interval": s.pollInterval, "state.commit-interval": s.commitInterval} {
		if d <= 0 {
			return usagef("--%s %v is not above 0", name, d)
		}
	}
	return s.s3.settle()
}

// logConfig returns the logger's settings.
func (s *settings) logConfig(w io.Writer) (*promslog.Config, error) {
	level, format := promslog.NewLevel(), promslog.NewFormat()
	if err := level.Set(s.logLevel); err != nil {
		return nil, usagef("--log.level: %w", err)
	}
	if err := format.Set(s.logFormat); err != nil {
		return nil, usagef("--log.format: %w", err)
	}
	return &promslog.Config{Level: level, Format: format, Writer: w}, nil
}
