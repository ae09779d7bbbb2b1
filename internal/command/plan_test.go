package command

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/flowlog-exporter/flowlog-exporter"

// plan says what each room may import of ours, and which of the two foreign
// worlds it may know. Arrows go down only; ARCHITECTURE.md gives the reasons.
var plan = map[string]struct {
	ours    []string
	foreign []string
}{
	"internal/flow":     {},
	"internal/flowlog":  {ours: []string{"flow", "inflate"}},
	"internal/inflate":  {},
	"internal/ledger":   {ours: []string{"flow"}},
	"internal/traffic":  {ours: []string{"flow"}, foreign: []string{prometheusWorld}},
	"internal/denylog":  {ours: []string{"flow"}, foreign: []string{prometheusWorld}},
	"internal/pipeline": {ours: []string{"flow", "flowlog"}, foreign: []string{prometheusWorld}},
	"internal/cloud":    {ours: []string{"nearest"}, foreign: []string{awsWorld}},
	"internal/nearest":  {},
	"internal/config":   {ours: []string{"nearest"}},
	"internal/source":   {ours: []string{"flow", "cloud"}, foreign: []string{awsWorld, prometheusWorld}},
	"internal/vpc":      {ours: []string{"flow", "cloud"}, foreign: []string{awsWorld, prometheusWorld}},
	"internal/web":      {foreign: []string{prometheusWorld}},
	"internal/demo":     {ours: []string{"flow"}},
	"internal/permit":   {},
	"internal/doctor":   {ours: []string{"flow", "flowlog", "cloud", "vpc"}, foreign: []string{awsWorld}},
	"internal/command": {
		ours:    []string{"flow", "flowlog", "ledger", "traffic", "denylog", "pipeline", "cloud", "source", "vpc", "web", "demo", "nearest", "config", "monitoring", "permit", "doctor", "deploy/aws"},
		foreign: []string{awsWorld, prometheusWorld},
	},
}

const (
	awsWorld        = "github.com/aws/"
	prometheusWorld = "github.com/prometheus/"
)

// TestImportPlan reads the imports of every room and fails when an arrow of the
// plan is broken, or a room is not in it.
func TestImportPlan(t *testing.T) {
	t.Chdir(tree)
	err := filepath.WalkDir("internal", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		room, ok := plan[filepath.ToSlash(filepath.Dir(file))]
		if !ok {
			t.Errorf("%s: %s is no room of the plan", file, filepath.Dir(file))
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if !allowed(name, room.ours, room.foreign) {
				t.Errorf("%s imports %s, which the plan does not allow", file, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func allowed(name string, ours, foreign []string) bool {
	switch {
	case strings.HasPrefix(name, module):
		return slices.Contains(ours, strings.TrimPrefix(strings.TrimPrefix(name, module+"/"), "internal/"))
	case strings.HasPrefix(name, awsWorld):
		return slices.Contains(foreign, awsWorld)
	case strings.HasPrefix(name, prometheusWorld):
		return slices.Contains(foreign, prometheusWorld)
	}
	return true
}
