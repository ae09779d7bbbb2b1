package kube

import (
	"flag"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the files that are made from others")

const (
	tree      = "../.."
	chartDir  = tree + "/charts/flowlog-exporter"
	release   = "flowlog-exporter"
	namespace = "monitoring"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil))) // Helm tells of what it reads
	os.Exit(m.Run())
}

// document is one object as a template rendered it.
type document struct {
	template string // its file below templates/
	text     string
}

var separator = regexp.MustCompile(`(?m)^---\s*$`)

// render renders the chart as helm template does, its schema included.
func render(t *testing.T, values map[string]any) []document {
	t.Helper()
	documents, err := tryRender(t, values)
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

func tryRender(t *testing.T, values map[string]any) ([]document, error) {
	t.Helper()
	loaded := loadChart(t)
	options := common.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(loaded, values, options, nil)
	if err != nil {
		return nil, err
	}
	rendered, err := engine.Render(loaded, all)
	if err != nil {
		return nil, err
	}
	var documents []document
	for _, path := range slices.Sorted(maps.Keys(rendered)) {
		_, template, _ := strings.Cut(path, "/templates/")
		for _, text := range separator.Split(rendered[path], -1) {
			if template == "NOTES.txt" || !isEmpty(t, text) {
				documents = append(documents, document{template, strings.TrimSpace(text) + "\n"})
			}
		}
	}
	return documents, nil
}

// isEmpty reports whether nothing but comments is in a text.
func isEmpty(t *testing.T, text string) bool {
	t.Helper()
	var anything any
	if err := yaml.Unmarshal([]byte(text), &anything); err != nil {
		t.Fatalf("no YAML: %v\n%s", err, text)
	}
	return anything == nil
}

// load reads the chart once: rendering leaves it as it is.
var load = sync.OnceValues(func() (*chart.Chart, error) { return loader.LoadDir(chartDir) })

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	loaded, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// scenarios are the values in the chart's folder ci, by name.
func scenarios(t *testing.T) map[string]map[string]any {
	t.Helper()
	paths, err := filepath.Glob(chartDir + "/ci/*-values.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no values to try: %v", err)
	}
	found := map[string]map[string]any{}
	for _, path := range paths {
		found[strings.TrimSuffix(filepath.Base(path), "-values.yaml")] = readValues(t, path)
	}
	return found
}

func readValues(t *testing.T, path string) map[string]any {
	t.Helper()
	values, err := common.ReadValuesFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// decoded are the objects of the scenarios that were looked at, which tests only read.
var decoded = map[string]*objects{}

// eachScenario runs a test on the objects of each scenario.
func eachScenario(t *testing.T, test func(t *testing.T, o *objects)) {
	for name, values := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			if decoded[name] == nil {
				decoded[name] = decode(t, render(t, values))
			}
			test(t, decoded[name])
		})
	}
}
