package kube

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// ruleGroups is a file of rules, as Prometheus reads it.
type ruleGroups struct {
	Groups []map[string]any `json:"groups"`
}

// TestCopies: a chart reads only what is in it, so rules and dashboards are copied
// into it out of monitoring, all of them and nothing else.
func TestCopies(t *testing.T) {
	want := map[string]string{}
	for _, path := range append(glob(t, tree+"/monitoring/*.yaml"), glob(t, tree+"/monitoring/dashboards/*.json")...) {
		text := read(t, path)
		folder := "rules/"
		if strings.HasSuffix(path, ".json") {
			folder = "dashboards/"
		} else if strings.HasSuffix(path, ".test.yaml") || !isRules(t, text) {
			continue
		}
		want[folder+filepath.Base(path)] = text
	}
	if len(want) == 0 {
		t.Fatal("monitoring has no rules")
	}
	for name, text := range want {
		same(t, filepath.Join(chartDir, "files", name), text)
	}
	for _, path := range glob(t, chartDir+"/files/*/*") {
		name, _ := filepath.Rel(chartDir+"/files", path)
		if want[filepath.ToSlash(name)] == "" {
			surplus(t, path)
		}
	}
}

func isRules(t *testing.T, text string) bool {
	t.Helper()
	var rules ruleGroups
	if err := yaml.Unmarshal([]byte(text), &rules); err != nil {
		t.Fatal(err)
	}
	return len(rules.Groups) > 0
}

// TestRules: promtool takes the PrometheusRule, and its groups are those of
// monitoring, unless they are disabled.
func TestRules(t *testing.T) {
	promtool, err := filepath.Abs(tree + "/.tools/bin/promtool")
	if err != nil {
		t.Fatal(err)
	}
	ruled := 0
	eachScenario(t, func(t *testing.T, o *objects) {
		for _, rule := range o.rules {
			ruled++
			text, err := yaml.Marshal(rule.Spec)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "rules.yaml")
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", file).CombinedOutput(); err != nil {
				t.Errorf("promtool: %v\n%s", err, out)
			}
		}
	})
	if ruled == 0 {
		t.Error("no scenario has a PrometheusRule")
	}
}

// TestRulesAreComplete compares the groups of the PrometheusRule with those of the files.
func TestRulesAreComplete(t *testing.T) {
	var want []map[string]any
	for _, path := range glob(t, chartDir+"/files/rules/*.yaml") {
		var rules ruleGroups
		if err := yaml.Unmarshal([]byte(read(t, path)), &rules); err != nil {
			t.Fatal(err)
		}
		want = append(want, rules.Groups...)
	}
	if diff := cmp.Diff(want, groups(t, "")); diff != "" {
		t.Errorf("the groups of the files (-) are not those of the PrometheusRule (+):\n%s", diff)
	}

	name := want[0]["name"].(string)
	if got := groups(t, name); len(got) != len(want)-1 {
		t.Errorf("without group %s there are %d groups, want %d", name, len(got), len(want)-1)
	}
	last := want[len(want)-1]["rules"].([]any)
	record := last[0].(map[string]any)
	got := groups(t, str(record["record"])+str(record["alert"]))
	if rules := got[len(got)-1]["rules"].([]any); cmp.Diff(last[1:], rules) != "" {
		t.Errorf("without %v the last group is %v", record, rules)
	}
}

func str(v any) string { s, _ := v.(string); return s }

// groups are those of the PrometheusRule without one that is disabled.
func groups(t *testing.T, disabled string) []map[string]any {
	t.Helper()
	rules := map[string]any{"enabled": true}
	if disabled != "" {
		rules["disabled"] = []any{disabled}
	}
	var rendered struct {
		Spec ruleGroups `json:"spec"`
	}
	documents := render(t, map[string]any{"kinesis": map[string]any{"stream": "a"}, "prometheusRule": rules})
	at := slices.IndexFunc(documents, func(d document) bool { return d.template == "prometheusrule.yaml" })
	if at < 0 {
		t.Fatal("no PrometheusRule")
	}
	if err := yaml.Unmarshal([]byte(documents[at].text), &rendered); err != nil {
		t.Fatal(err)
	}
	return rendered.Spec.Groups
}

// TestDashboards: each dashboard is in a ConfigMap that Grafana's sidecar finds, as
// it is in monitoring.
func TestDashboards(t *testing.T) {
	o := decode(t, render(t, scenarios(t)["demo"]))
	paths := glob(t, tree+"/monitoring/dashboards/*.json")
	found := map[string]string{}
	for _, c := range o.configMaps {
		if c.Labels["grafana_dashboard"] == "1" {
			for file, text := range c.Data {
				found[file] = text
			}
		}
	}
	if len(found) != len(paths) {
		t.Errorf("%d dashboards are in ConfigMaps, want %d", len(found), len(paths))
	}
	for _, path := range paths {
		if want := strings.TrimSpace(read(t, path)); found[filepath.Base(path)] != want {
			t.Errorf("%s is another one in its ConfigMap", filepath.Base(path))
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
