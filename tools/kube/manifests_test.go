package kube

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const manifests = tree + "/deploy/kubernetes"

const origin = `# Made from charts/flowlog-exporter and tools/kube/manifests.yaml by make kube-update.
`

// TestManifests: the plain manifests are what the chart makes of manifests.yaml. What
// needs the Prometheus operator or Grafana is a folder of its own, for kubectl
// refuses kinds that the cluster does not know.
func TestManifests(t *testing.T) {
	files := map[string]string{}
	for _, d := range render(t, readValues(t, "manifests.yaml")) {
		name := d.template
		switch {
		case name == "NOTES.txt" || strings.HasPrefix(name, "tests/"):
			continue
		case slices.Contains([]string{"servicemonitor.yaml", "prometheusrule.yaml", "dashboards.yaml"}, name):
			name = "monitoring/" + name
		}
		if files[name] != "" {
			files[name] += "---\n"
		}
		files[name] += d.text
	}
	for name, text := range files {
		same(t, filepath.Join(manifests, name), origin+text)
	}
	for _, path := range append(glob(t, manifests+"/*.yaml"), glob(t, manifests+"/*/*.yaml")...) {
		name, _ := filepath.Rel(manifests, path)
		if files[filepath.ToSlash(name)] == "" {
			surplus(t, path)
		}
	}
	for _, name := range []string{"statefulset.yaml", "service.yaml", "serviceaccount.yaml", "networkpolicy.yaml", "monitoring/servicemonitor.yaml", "monitoring/prometheusrule.yaml"} {
		if files[name] == "" {
			t.Errorf("there is no %s among %v", name, slices.Sorted(maps.Keys(files)))
		}
	}
}

// TestManifestsDecode reads the files themselves, as kubectl would.
func TestManifestsDecode(t *testing.T) {
	var documents []document
	for _, path := range append(glob(t, manifests+"/*.yaml"), glob(t, manifests+"/*/*.yaml")...) {
		for _, text := range separator.Split(read(t, path), -1) {
			documents = append(documents, document{path, text})
		}
	}
	o := decode(t, documents)
	if c := o.container(t); !slices.Contains(c.Args, "--kinesis.stream=vpc-flow-logs") {
		t.Errorf("the arguments are %q", c.Args)
	}
}
