package monitoring

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRunbooks: each alert says what is wrong, has a runbook with all it needs,
// and tests in which it fires, does not, and resolves.
func TestRunbooks(t *testing.T) {
	alerts := strings.Split(string(Alerts()), "- alert: ")[1:]
	if len(alerts) < 10 {
		t.Fatalf("%d alerts are understood", len(alerts))
	}
	tests := content(t, "alerts.test.yaml") + content(t, "spike.test.yaml")
	var pages []string
	for _, alert := range alerts {
		name, _, _ := strings.Cut(alert, "\n")
		t.Run(name, func(t *testing.T) {
			page := filepath.Join("..", "docs", "runbooks", name+".md")
			pages = append(pages, page)
			for _, want := range []string{"severity: ", "summary: ", "description: ", "runbook_url: https://github.com/flowlog-exporter/flowlog-exporter/blob/main/docs/runbooks/" + name + ".md"} {
				if !strings.Contains(alert, want) {
					t.Errorf("no %s", want)
				}
			}
			for _, want := range []string{"# " + name + "\n", "**Means.**", "**First look.**", "**Fix.**", "**Silence**"} {
				if !strings.Contains(content(t, page), want) {
					t.Errorf("no %s in its runbook", want)
				}
			}
			quiet := strings.Count(tests, "alertname: "+name+", exp_alerts: []}")
			fires := strings.Count(tests, "alertname: "+name+"\n        exp_alerts:\n          - exp_labels")
			if quiet < 2 || fires < 1 {
				t.Errorf("it is tested to fire %d times and to be quiet %d times: it must be quiet before and after", fires, quiet)
			}
		})
	}
	there, err := filepath.Glob("../docs/runbooks/*")
	slices.Sort(pages)
	if err != nil || !slices.Equal(there, pages) {
		t.Errorf("there are %v, alerts have %v", there, pages)
	}
}

func content(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
