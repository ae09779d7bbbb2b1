package command

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
)

// reloader takes over settings while the exporter runs. A nil reloader changes
// nothing.
type reloader struct {
	service *service
	again   func() (*settings, error)
	level   *promslog.Level
	// started are the settings that nothing but a restart changes.
	started *settings
	// interval carries another interval between commits.
	interval chan time.Duration

	success, at prometheus.Gauge

	mu  sync.Mutex
	now *settings // that were read last, without mistakes
}

func newReloader(s *service, p *program, level *promslog.Level) *reloader {
	gauge := func(name, unit, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Unit: unit, Help: help})
	}
	r := &reloader{
		service: s, again: p.again, level: level, started: s.settings, now: s.settings, interval: make(chan time.Duration, 1),
		success: gauge("flowlog_config_last_reload_successful", "", "Whether the last configuration reload succeeded."),
		at:      gauge("flowlog_config_last_reload_success_timestamp_seconds", "seconds", "Time of the last successful configuration reload."),
	}
	r.success.Set(1)
	r.at.SetToCurrentTime()
	s.about.MustRegister(r.success, r.at)
	return r
}

// intervals returns what carries another interval between commits.
func (r *reloader) intervals() <-chan time.Duration {
	if r == nil {
		return nil
	}
	return r.interval
}

// served returns what answers a request for a reload, nil when none is wanted.
func (r *reloader) served(enabled bool) func() error {
	if r == nil || !enabled {
		return nil
	}
	return func() error { return r.reload(context.Background()) }
}

// reload reads the settings again and takes over what can be changed. When anything of
// it is wrong, all stays as it was.
func (r *reloader) reload(ctx context.Context) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	log := r.service.log
	next, err := r.again()
	var changed []string
	if err == nil {
		changed, err = r.take(ctx, next)
	}
	if err != nil {
		r.success.Set(0)
		log.Error("configuration not reloaded: the old one stays in use", "err", err)
		return err
	}
	r.success.Set(1)
	r.at.SetToCurrentTime()
	log.Info("configuration reloaded", "changed", strings.Join(changed, ", "))
	if stay := r.started.differences(next, false); len(stay) > 0 {
		log.Warn("some settings change at a restart only and stay as they were", "settings", strings.Join(stay, ", "))
	}
	return nil
}

// take brings the next settings into force, as far as they can change, and returns
// which have. What may fail comes first.
func (r *reloader) take(ctx context.Context, next *settings) (changed []string, err error) {
	s := r.service
	changed, target := r.now.differences(next, true), r.started.renewed(next)
	outside, err := target.connect(ctx, s.log)
	if err != nil {
		return nil, err
	}
	uses, err := r.renewals(next)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(changed, in("deny_log.")) {
		closing, cancel := context.WithTimeout(ctx, closeTimeout)
		defer cancel()
		if err := s.deny.Turn(closing, s.denyOptions(target)); err != nil {
			return nil, err
		}
	}
	for _, use := range uses {
		use()
	}
	if target.subnetsFile != "" || slices.ContainsFunc(changed, in("subnets.")) {
		s.book.Renew(outside.loader, target.subnetsRefresh)
	}
	r.commitEvery(target.commitInterval)
	r.now = next
	return changed, r.level.Set(target.logLevel)
}

// in returns a test for the keys of a section.
func in(section string) func(key string) bool {
	return func(key string) bool { return strings.HasPrefix(key, section) }
}

// renewals prepare what the inputs take over.
func (r *reloader) renewals(next *settings) (uses []func(), err error) {
	for _, input := range next.inputs {
		for _, w := range r.service.inputs {
			if w.renew == nil || w.name != input.name {
				continue
			}
			use, err := w.renew(input.intake)
			if err != nil {
				return nil, input.form.locate(err, input.at)
			}
			uses = append(uses, use)
		}
	}
	return uses, nil
}

// commitEvery tells the ledger its interval; one that it has not heard yet is void.
func (r *reloader) commitEvery(interval time.Duration) {
	select {
	case <-r.interval:
	default:
	}
	r.interval <- interval
}

// renewed returns the settings with those of next that a reload changes: the options
// that are alive. The inputs are the same.
func (s *settings) renewed(next *settings) *settings {
	r := *s
	r.subnetsFile, r.subnetsStatic, r.subnetsRefresh = next.subnetsFile, next.subnetsStatic, next.subnetsRefresh
	r.commitInterval, r.logLevel = next.commitInterval, next.logLevel
	r.denyOutput, r.denyFormat, r.denyRate = next.denyOutput, next.denyFormat, next.denyRate
	return &r
}

// differences are the keys whose values differ in the other settings: of options that
// are alive, or of the others. An input that only one of them has is one key.
func (s *settings) differences(other *settings, live bool) (keys []string) {
	mine, theirs := s.told(live), other.told(live)
	for key, value := range mine {
		if also, ok := theirs[key]; ok && also != value || !ok && !live {
			keys = append(keys, key)
		}
	}
	for key := range theirs {
		if _, ok := mine[key]; !ok && !live {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.CompactFunc(keys, func(a, b string) bool { return strings.HasPrefix(b, a+".") })
}

// told are the values of the options that are alive, or of the others, by key. Those of
// an input have its name before them.
func (s *settings) told(live bool) map[string]string {
	values := map[string]string{}
	for _, o := range s.form.options {
		if key := o.place(); key != "" && o.live == live && spellings[o.name] == "" && s.kindOf(key) == "" {
			values[key] = strings.Join(s.form.values(o.name), ",")
		}
	}
	for _, r := range s.inputs {
		if !live {
			values["inputs."+r.name] = r.kind
		}
		for _, o := range r.own() {
			if o.live == live {
				values["inputs."+r.name+"."+o.place()] = strings.Join(r.form.values(o.name), ",")
			}
		}
	}
	return values
}
