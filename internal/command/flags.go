package command

import (
	"flag"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
)

// settings are what flags and environment say.
type settings struct {
	stream       string
	start        string
	from         source.Start // what start says
	pollInterval time.Duration
	maxBuffered  size
	shards       int
	files        list
	s3           s3Settings
	firehose     firehoseSettings

	region, assumeRole, endpointURL string

	format         string
	fixed          *flowlog.Format // what format says; nil is to be found out
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
	replay replaySettings
	iam    iamSettings
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
	s.maxBuffered = 64 << 20
	return []option{
		text(&s.stream, "kinesis.stream", "", "Kinesis stream to read, by `name or ARN`"),
		text(&s.start, "kinesis.start", "latest", "where to start: latest, trim_horizon or an `RFC 3339 time`"),
		duration(&s.pollInterval, "kinesis.poll-interval", time.Second, "pause between reads of a shard that is caught up"),
		value(&s.maxBuffered, "kinesis.max-buffered", "`size` of memory for answers in hand, of all shards together; a full one takes 16MiB"),
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

// denyOptions take the usual rate: what comes live is limited, so that nobody can
// fill the disk from outside; a replay has an end.
func (s *settings) denyOptions(rate int) []option {
	return []option{
		text(&s.denyOutput, "deny-log.output", "off", "where denied flows are written: off, stdout, stderr or file:`PATH`"),
		text(&s.denyFormat, "deny-log.format", "json", "`form` of a denied flow: json, logfmt or legacy"),
		number(&s.denyRate, "deny-log.rate", rate, "most denied flows written a second, 0 for no limit; the rest is counted"),
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

func (s *settings) demoOptions() []option {
	return []option{
		number(&s.rate, "rate", 500, "flow records a second"),
		{"seed", "`number` that decides the traffic", func(fs *flag.FlagSet, name, usage string) { fs.Uint64Var(&s.seed, name, 1, usage) }},
	}
}
