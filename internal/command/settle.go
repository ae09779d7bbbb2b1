package command

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/flowlog-exporter/flowlog-exporter/internal/denylog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
)

// The bounds of intervals: shorter ones would keep AWS, the disk and the
// processor busy with nothing, and longer ones are a slip.
const (
	minInterval = 10 * time.Millisecond
	maxInterval = 365 * 24 * time.Hour
)

// settle brings the old spellings into the new ones and checks what no single
// flag can see, for a command that serves.
func (s *settings) settle() error {
	if err := s.settleAddress(); err != nil {
		return err
	}
	if s.denyLegacy && s.denyOutput == "off" {
		s.denyOutput = "stdout"
	}
	if s.debug {
		s.logLevel = "debug"
	}
	if s.shards < 0 {
		return usagef("-shards %d is no number of shards", s.shards)
	}
	if s.maxBuffered < source.MinBuffered {
		least := size(source.MinBuffered)
		return usagef("--kinesis.max-buffered %v is below the %v that one answer may take", &s.maxBuffered, &least)
	}
	if s.lastScrapeWait < 0 || s.lastScrapeWait > maxInterval {
		return usagef("--web.last-scrape-wait %v is not between 0s and %v", s.lastScrapeWait, maxInterval)
	}
	if err := interval("kinesis.poll-interval", s.pollInterval); err != nil {
		return err
	}
	if err := interval("state.commit-interval", s.commitInterval); err != nil {
		return err
	}
	var err error
	if s.from, err = source.ParseStart(s.start); err != nil {
		return usagef("--kinesis.start: %w", err)
	}
	if err := s.s3.settle(); err != nil {
		return err
	}
	if err := s.firehose.settle(); err != nil {
		return err
	}
	return s.settleRecords()
}

func interval(name string, d time.Duration) error {
	if d < minInterval || d > maxInterval {
		return usagef("--%s %v is not between %v and %v", name, d, minInterval, maxInterval)
	}
	return nil
}

func (s *settings) settleAddress() error {
	if s.port != 0 {
		if len(s.listen) > 0 {
			return usagef("-port and --web.listen-address are both given; keep one")
		}
		if s.port < 1 || s.port > 65535 {
			return usagef("-port %d is no port; use 1 to 65535", s.port)
		}
		s.listen = list{":" + strconv.Itoa(s.port)}
	}
	if len(s.listen) == 0 {
		s.listen = list{":8080"}
	}
	if !strings.HasPrefix(s.telemetryPath, "/") {
		return usagef("--web.telemetry-path %q does not begin with /", s.telemetryPath)
	}
	return nil
}

// settleRecords checks what every command has that reads records.
func (s *settings) settleRecords() (err error) {
	if err := interval("subnets.refresh", s.subnetsRefresh); err != nil {
		return err
	}
	if s.format != "" && s.format != "auto" {
		if s.fixed, err = flowlog.ParseFormat(s.format); err != nil {
			return usagef("--format: %w", err)
		}
	}
	if err := denylog.CheckOutput(s.denyOutput); err != nil {
		return usagef("--deny-log.output: %w", err)
	}
	if err := denylog.CheckFormat(s.denyFormat); err != nil {
		return usagef("--deny-log.format: %w", err)
	}
	if s.denyRate < 0 {
		return usagef("--deny-log.rate %d is below 0; give lines a second, or 0 for no limit", s.denyRate)
	}
	_, err = s.logConfig(io.Discard)
	return err
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
