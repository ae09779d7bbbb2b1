package kube

import (
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
)

// TestLint is helm lint, with the values of the chart and with each scenario.
func TestLint(t *testing.T) {
	all := scenarios(t)
	all["default"] = nil
	for name, values := range all {
		t.Run(name, func(t *testing.T) {
			for _, m := range lint.RunAll(chartDir, values, namespace).Messages {
				if m.Severity > support.InfoSev {
					t.Error(m)
				}
			}
		})
	}
}

// TestNotes holds what is said after an installation against what matters then.
func TestNotes(t *testing.T) {
	for scenario, want := range map[string]string{
		"kinesis":         "set state.persistence.storageClassName",
		"s3":              "what Pod Identity gives the service account\nflowlog-exporter",
		"existing-secret": "of a Kinesis stream what came meanwhile is not read",
		"demo":            "runs on a synthetic VPC in monitoring/flowlog-exporter",
		"tls":             "curl https://localhost:8080/-/ready",
		"everything":      "port-forward statefulset/flow-logs 9090",
	} {
		t.Run(scenario, func(t *testing.T) {
			documents := render(t, scenarios(t)[scenario])
			at := slices.IndexFunc(documents, func(d document) bool { return d.template == "NOTES.txt" })
			if at < 0 || !strings.Contains(documents[at].text, want) {
				t.Errorf("the notes do not say %q: %+v", want, documents[max(at, 0)])
			}
		})
	}
}
