package command

import (
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/doctor"
	"github.com/flowlog-exporter/flowlog-exporter/internal/permit"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
)

// fileSettings are what settings say of files that are read once.
type fileSettings struct{ paths list }

func (f *fileSettings) options() []option {
	return []option{value(&f.paths, "file.path", "`file` or glob of flow logs to read once; repeatable")}
}

func (f *fileSettings) wanted() bool { return len(f.paths) > 0 }

func (f *fileSettings) settle() error { return nil }

func (f *fileSettings) cloud(cloud.Options) (cloud.Options, bool) { return cloud.Options{}, false }

func (f *fileSettings) needs(string, *permit.Needs) {}

func (f *fileSettings) links(name string, _ *doctor.AWS) []doctor.Check {
	return []doctor.Check{link("files", name, func() (string, error) {
		return strings.Join(f.paths, ", "), (&source.Files{Paths: f.paths}).Check()
	})}
}

func (f *fileSettings) open(o opening) (*working, error) {
	in := &source.Files{Name: o.name, Paths: f.paths, Handler: o.engine, Places: o.engine.ledger.Of(o.name), Metrics: o.metrics, Logger: o.engine.log}
	if err := in.Check(); err != nil {
		return nil, usagef("--file.path: %w", err)
	}
	return &working{input: in}, nil
}
