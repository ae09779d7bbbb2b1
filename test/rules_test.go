//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRules lets promtool check the shipped rules and the sample configuration,
// and try each alert: it fires, it does not, it resolves.
func TestRules(t *testing.T) {
	program, err := filepath.Abs(promtool)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", "rules", "alerts.yaml", "replicas.yaml"},
		{"test", "rules", "alerts.test.yaml", "spike.test.yaml", "replicas.test.yaml"},
		{"check", "config", "prometheus.yaml"},
	} {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = "../monitoring"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
