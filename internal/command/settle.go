package command

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/flowlog-exporter/flowlog-exporter/internal/denylog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
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
	if s.denyLegacy && s.denyOutput == "off" {
		s.denyOutput = "stdout"
	}
	if s.debug {
		s.logLevel = "debug"
	}
	wrong := []error{s.settleAddress(), interval("state.commit-interval", s.commitInterval), s.settleInputs(), s.settleRecords()}
	if s.lastScrapeWait < 0 || s.lastScrapeWait > maxInterval {
		wrong = append(wrong, wrongf("web.last-scrape-wait", " %v is not between 0s and %v", s.lastScrapeWait, maxInterval))
	}
	return errors.Join(wrong...)
}

func interval(name string, d time.Duration) error {
	if d < minInterval || d > maxInterval {
		return wrongf(name, " %v is not between %v and %v", d, minInterval, maxInterval)
	}
	return nil
}

func (s *settings) settleAddress() error {
	if s.port != 0 {
		if len(s.listen) > 0 {
			return wrongf("port", " and --web.listen-address are both given; keep one")
		}
		if s.port < 1 || s.port > 65535 {
			return wrongf("port", " %d is no port; use 1 to 65535", s.port)
		}
		s.listen = list{":" + strconv.Itoa(s.port)}
	}
	if len(s.listen) == 0 {
		s.listen = list{":8080"}
	}
	if !strings.HasPrefix(s.telemetryPath, "/") {
		return wrongf("web.telemetry-path", " %q does not begin with /", s.telemetryPath)
	}
	return nil
}

// settleRecords checks what every command has that reads records.
func (s *settings) settleRecords() error {
	wrong := []error{interval("subnets.refresh", s.subnetsRefresh)}
	var err error
	if s.format != "" && s.format != "auto" {
		if s.fixed, err = flowlog.ParseFormat(s.format); err != nil {
			wrong = append(wrong, wrongf("format", ": %v", err))
		}
	}
	if _, err := s.staticSubnets(); err != nil {
		wrong = append(wrong, err)
	}
	if err := denylog.CheckOutput(s.denyOutput); err != nil {
		wrong = append(wrong, wrongf("deny-log.output", ": %v", err))
	}
	if err := denylog.CheckFormat(s.denyFormat); err != nil {
		wrong = append(wrong, wrongf("deny-log.format", ": %v", err))
	}
	if s.denyRate < 0 {
		wrong = append(wrong, wrongf("deny-log.rate", " %d is below 0; give lines a second, or 0 for no limit", s.denyRate))
	}
	_, err = s.logConfig(io.Discard)
	return errors.Join(append(wrong, err)...)
}

// staticSubnets are those that the settings list by name.
func (s *settings) staticSubnets() (subnets []flow.Subnet, err error) {
	for _, pair := range s.subnetsStatic {
		cidr, name, _ := strings.Cut(pair, "=")
		subnet, err := vpc.Named(cidr, name)
		if err != nil {
			return nil, wrongf("subnets.static", ": %v", err)
		}
		subnets = append(subnets, subnet)
	}
	return subnets, nil
}

// logConfig returns the logger's settings.
func (s *settings) logConfig(w io.Writer) (*promslog.Config, error) {
	level, format := promslog.NewLevel(), promslog.NewFormat()
	if err := level.Set(s.logLevel); err != nil {
		return nil, wrongf("log.level", ": %v", err)
	}
	if err := format.Set(s.logFormat); err != nil {
		return nil, wrongf("log.format", ": %v", err)
	}
	return &promslog.Config{Level: level, Format: format, Writer: w}, nil
}
