package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMonitoringIsPrinted: what the binary prints are the files of the project.
func TestMonitoringIsPrinted(t *testing.T) {
	dashboards, err := filepath.Glob(filepath.Join(tree, "monitoring/dashboards/*.json"))
	if err != nil || len(dashboards) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	files := map[string]string{"alerts": "alerts.yaml", "alerts replicas": "replicas.yaml"}
	var names string
	for _, file := range dashboards {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		files["dashboard "+name], names = "dashboards/"+name+".json", names+name+"\n"
	}
	for args, file := range files {
		want, err := os.ReadFile(filepath.Join(tree, "monitoring", file))
		if err != nil {
			t.Fatal(err)
		}
		p := start(t, nil, strings.Fields(args)...)
		if status := p.exit(); status != exitOK || p.stdout.String() != string(want) {
			t.Errorf("%s: status %d, and not %s:\n%.200s", args, status, file, p.stdout.String())
		}
	}
	p := start(t, nil, "dashboard")
	if status := p.exit(); status != exitOK || p.stdout.String() != names {
		t.Errorf("status %d, and the list is\n%s, not\n%s", status, p.stdout.String(), names)
	}
	for args, want := range map[string]string{
		"dashboard nope":            `flowlog-exporter: no dashboard is called "nope"; there are exporter, overview, security, subnet` + "\n",
		"dashboard subnet overview": "flowlog-exporter: one dashboard at a time: exporter, overview, security, subnet\n",
		"alerts nope":               `flowlog-exporter: no rules are called "nope"; there are those of alerts, and replicas` + "\n",
	} {
		p := start(t, nil, strings.Fields(args)...)
		if status := p.exit(); status != exitUsage || p.output.String() != want {
			t.Errorf("%s: status %d: %s", args, status, p.output)
		}
	}
}

// TestDemoSaysWhereToLook: in words that can be copied, unless it does not know.
func TestDemoSaysWhereToLook(t *testing.T) {
	for listen, want := range map[string]string{
		":8080":          "  curl -s http://localhost:8080/metrics | grep",
		"127.0.0.1:9000": "  curl -s http://127.0.0.1:9000/metrics | grep",
		"[::1]:9000":     "  curl -s http://[::1]:9000/metrics | grep",
		"127.0.0.1:0":    "",
	} {
		var said strings.Builder
		(&settings{listen: list{listen}, telemetryPath: "/metrics", rate: 500}).hint(&said)
		if !strings.Contains(said.String(), want) || want == "" && said.Len() > 0 {
			t.Errorf("%s: %s", listen, said.String())
		}
	}
}
