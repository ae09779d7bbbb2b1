//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParquetOfAnotherWriter replays the same flows as text and as Parquet, as
// pyarrow writes it in many shapes, and compares what they add up to.
func TestParquetOfAnotherWriter(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), python, "-B", "parquet.py", dir, "20000").CombinedOutput(); err != nil {
		t.Fatalf("parquet.py: %v (run make tools first)\n%s", err, out)
	}
	subnets := filepath.Join(dir, "subnets.txt")
	if err := os.WriteFile(subnets, []byte("10.0.0.0/24\n10.0.1.0/24\n10.0.2.0/24\n10.0.3.0/24\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := os.Getenv("FLOWLOG_BINARY")
	if program == "" {
		program = buildExporter(t)
	}
	replay := func(file string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), program, "replay", "--subnets.file="+subnets, file).Output()
		if err != nil {
			t.Errorf("%s: %v\n%s", filepath.Base(file), err, out)
		}
		return string(out)
	}
	want := replay(filepath.Join(dir, "flows.log"))
	shapes, _ := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if len(shapes) < 18 {
		t.Fatalf("%d shapes", len(shapes))
	}
	for _, shape := range shapes {
		if diff := cmp.Diff(want, replay(shape)); diff != "" {
			t.Errorf("%s (-text +parquet):\n%s", filepath.Base(shape), diff)
		}
	}
}
