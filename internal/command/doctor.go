package command

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/doctor"
	"github.com/flowlog-exporter/flowlog-exporter/internal/ledger"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// examine asks each link of the chain that run would read.
func examine(ctx context.Context, p *program, s *settings, _ []string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !doctor.Examine(ctx, p.stdout, s.checkup(ctx)) {
		return fmt.Errorf("%w: see ✗ above", errUnhealthy)
	}
	return nil
}

// checkup lists the checks in the order of the chain: each region with its inputs,
// then what is on this machine.
func (s *settings) checkup(ctx context.Context) []doctor.Check {
	checks := []doctor.Check{link("settings", "", s.reads)}
	for _, p := range s.patients(ctx) {
		checks = append(checks, p.region.Known()...)
		for _, r := range p.inputs {
			checks = append(checks, r.links(s.label(r), p.region)...)
		}
		if s.subnetsFile == "" {
			checks = append(checks, p.region.Network()...)
		}
		checks = append(checks, p.region.Clock())
	}
	return append(checks, s.local(ctx)...)
}

// reads says what is read, and who says so.
func (s *settings) reads() (string, error) {
	text := "reads " + strings.Join(s.sources(), ", ")
	if s.configFile != "" {
		text += ", with " + s.configFile
	}
	return text, nil
}

// label is the name of an input, "" where its kind tells it as well.
func (s *settings) label(r *feed) string {
	if r.name == r.kind && !slices.ContainsFunc(s.inputs, func(other feed) bool { return other.kind == r.kind && other.name != r.name }) {
		return ""
	}
	return r.name
}

// patient is a region that is examined, with the inputs that read there.
type patient struct {
	region *doctor.AWS
	inputs []*feed
}

// patients are the regions in the order of their inputs. Inputs for which there is no
// configuration are together if it is for the same reason.
func (s *settings) patients(ctx context.Context) (all []*patient) {
	known := map[string]*patient{}
	for _, c := range s.customers(slog.New(slog.DiscardHandler)) {
		config, err := cloud.Load(ctx, c.options)
		where := config.Region
		if err != nil {
			err = c.refused(err)
			where = err.Error()
		}
		p := known[where]
		if p == nil {
			content := doctor.Content{Format: s.fixed, MaxInflated: int64(s.maxInflated)}
			p = &patient{region: &doctor.AWS{Config: config, Err: err, Content: content}}
			known[where], all = p, append(all, p)
		}
		if c.feed != nil {
			p.inputs = append(p.inputs, c.feed)
		}
	}
	if len(all) > 1 {
		for _, p := range all {
			p.tellApart()
		}
	}
	return all
}

// tellApart gives the region its name, and that of what reads there.
func (p *patient) tellApart() {
	for _, r := range p.inputs {
		p.region.Readers = append(p.region.Readers, r.name)
	}
	p.region.Of = cmp.Or(p.region.Config.Region, strings.Join(p.region.Readers, ", "))
}

// local are the links on this machine.
func (s *settings) local(ctx context.Context) (checks []doctor.Check) {
	if s.subnetsFile != "" {
		checks = append(checks, link("subnets", "", func() (string, error) {
			subnets, _, err := vpc.File{Path: s.subnetsFile}.Load(ctx)
			return fmt.Sprintf("%d in %s", len(subnets), s.subnetsFile), err
		}))
	}
	for i := range s.inputs {
		if r := &s.inputs[i]; !r.asksAWS() {
			checks = append(checks, r.links(s.label(r), nil)...)
		}
	}
	if s.statePath != "" {
		checks = append(checks, link("state", "", func() (string, error) { return ledger.Probe(s.statePath) }))
	}
	return checks
}

// asksAWS reports whether the input asks AWS for anything.
func (r *feed) asksAWS() bool {
	_, asks := r.cloud(cloud.Options{})
	return asks
}

// link is a check of what is on this machine. An error says the remedy.
func link(name, of string, ask func() (string, error)) doctor.Check {
	return doctor.Check{Name: name, Of: of, Ask: func(context.Context) doctor.Finding {
		text, err := ask()
		if err != nil {
			return doctor.Broken(err, "")
		}
		return doctor.Passed("%s", text)
	}}
}
