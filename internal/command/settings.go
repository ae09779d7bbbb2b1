package command

import (
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
)

// settings are what flags, environment and configuration file say.
type settings struct {
	// What flags and environment say of the inputs, one of each kind.
	kinesis  kinesisSettings
	s3       s3Settings
	firehose firehoseSettings
	file     fileSettings

	// inputs are those that are read, of the file and of the flags.
	inputs []feed

	region, assumeRole, endpointURL string

	format         string
	fixed          *flowlog.Format // what format says; nil is to be found out
	maxInflated    size
	subnetsFile    string
	subnetsStatic  pairs
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
	lifecycle      bool
	lastScrapeWait time.Duration

	logLevel, logFormat string
	debug               bool
	requireHealthy      bool

	configFile  string
	configCheck bool

	output string // of replay
	replay replaySettings
	iam    iamSettings
	rate   int    // of demo
	seed   uint64 // of demo

	// form is where the values come from.
	form *form
	// broken says that the file has mistakes, so that what is missing may be in it.
	broken bool
}

// flagged are the inputs as flags and environment describe them, wanted or not. Each
// has the name of its kind.
func (s *settings) flagged() []feed {
	return []feed{
		{name: "kinesis", kind: "kinesis", intake: &s.kinesis, form: s.form},
		{name: "s3", kind: "s3", intake: &s.s3, form: s.form},
		{name: "firehose", kind: "firehose", intake: &s.firehose, form: s.form},
		{name: "file", kind: "file", intake: &s.file, form: s.form},
	}
}

// inputOptions describe one input of each kind, a group each.
func (s *settings) inputOptions() (groups [][]option) {
	for _, r := range s.flagged() {
		groups = append(groups, r.options())
	}
	return groups
}

func (s *settings) awsOptions() []option {
	return []option{
		text(&s.region, "aws.region", "", "AWS `region`; else the SDK's own chain or the stream's ARN"),
		text(&s.assumeRole, "aws.assume-role", "", "`ARN` of a role to assume").at("aws.assume_role_arn"),
		text(&s.endpointURL, "aws.endpoint-url", "", "`URL` that answers instead of AWS"),
	}
}

func (s *settings) recordOptions() []option {
	s.maxInflated = 64 << 20
	return []option{
		text(&s.format, "format", "auto", "flow log `format`, as '${version} ${account-id} ...'; auto asks DescribeFlowLogs").at("decode.format"),
		value(&s.maxInflated, "decode.max-inflated", "largest `size` that one message may inflate to"),
		text(&s.subnetsFile, "subnets.file", "", "`file` of subnets, one a line, instead of asking EC2").alive(),
		value(&s.subnetsStatic, "subnets.static", "a subnet beside the listed ones, as `CIDR=name`; repeatable").alive(),
		duration(&s.subnetsRefresh, "subnets.refresh", 5*time.Minute, "how often the subnet list is read again").alive(),
	}
}

// denyOptions take the usual rate: what comes live is limited, so that nobody can
// fill the disk from outside; a replay has an end.
func (s *settings) denyOptions(rate int) []option {
	return []option{
		text(&s.denyOutput, "deny-log.output", "off", "where denied flows are written: off, stdout, stderr or file:`PATH`").alive().oneOf("off", "stdout", "stderr", "file:"),
		text(&s.denyFormat, "deny-log.format", "json", "`form` of a denied flow: json, logfmt or legacy").alive().oneOf("json", "logfmt", "legacy"),
		number(&s.denyRate, "deny-log.rate", rate, "most denied flows written a second, 0 for no limit; the rest is counted").alive(),
	}
}

func (s *settings) webOptions() []option {
	return []option{
		value(&s.listen, "web.listen-address", "`address` to serve on (default :8080); repeatable"),
		text(&s.telemetryPath, "web.telemetry-path", "/metrics", "`path` of the metrics"),
		text(&s.webConfigFile, "web.config.file", "", "`file` that sets TLS and basic auth, as of the exporter toolkit").at("web.config_file"),
		toggle(&s.systemdSocket, "web.systemd-socket", "serve on the sockets that systemd hands over"),
		duration(&s.lastScrapeWait, "web.last-scrape-wait", 5*time.Second, "how long a stop waits for one more scrape, if anybody scrapes"),
	}
}

func (s *settings) logOptions() []option {
	return []option{
		text(&s.logLevel, "log.level", "info", "least severe `level` logged: debug, info, warn, error").alive().oneOf("debug", "info", "warn", "error"),
		text(&s.logFormat, "log.format", "logfmt", "`form` of the log: logfmt or json").oneOf("logfmt", "json"),
	}
}

// configOptions are of the file; lifecycle is about it, too.
func (s *settings) configOptions() []option {
	return []option{
		text(&s.configFile, "config.file", "", "`file` of settings in YAML; flags and environment win over it").at(noKey),
		toggle(&s.configCheck, "config.check", "check the settings, print them and exit").at(noKey),
		toggle(&s.lifecycle, "web.enable-lifecycle", "let POST /-/reload read the configuration again, as SIGHUP does"),
	}
}

func (s *settings) healthOptions() []option {
	return []option{toggle(&s.requireHealthy, "require-healthy", "exit with status 3 when AWS refuses at the start")}
}

// legacyOptions are the spellings of the original exporter.
func (s *settings) legacyOptions() []option {
	return append([]option{
		text(&s.kinesis.stream, "stream", "", "same as --kinesis.stream"),
		s.regionOption(),
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
