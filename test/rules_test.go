//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReplicaRules lets promtool check and try the rules that add replicas up.
func TestReplicaRules(t *testing.T) {
	program, err := filepath.Abs(promtool)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "rules", "replicas.yaml"}, {"test", "rules", "replicas.test.yaml"}} {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = "../monitoring"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
