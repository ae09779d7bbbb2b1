//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// buildDated builds the program as a release knows its day.
func buildDated(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "flowlog-exporter")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false",
		"-ldflags", "-X github.com/prometheus/common/version.BuildDate=20260102-03:04:05", "-o", program, "..").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// said runs a program and returns all that it says.
func said(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// TestCompletions asks real shells to complete lines by the printed scripts.
func TestCompletions(t *testing.T) {
	program := buildDated(t)
	dir := t.TempDir()
	target := filepath.Join(dir, "target.yml")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	scripts := map[string]string{}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		scripts[shell] = filepath.Join(dir, "_flowlog-exporter."+shell)
		if err := os.WriteFile(scripts[shell], []byte(said(t, program, "completion", shell)), 0o600); err != nil {
			t.Fatal(err)
		}
		said(t, shell, "-n", scripts[shell])
	}
	for _, test := range []struct{ line, word string }{
		{"rep", "replay"},
		{"che", "check"},
		{"--log.le", "--log.level"},
		{"-stre", "-stream"},
		{"demo --rat", "--rate"},
		{"--log.level de", "debug"},
		{"run --log.level=de", "debug"},
		{"-stream x --kinesis.start tri", "trim_horizon"},
		{"replay --output openm", "openmetrics"},
		{"help me", "metrics"},
		{"completion z", "zsh"},
		{"check " + dir + "/targ", target},
		{"--config.file " + dir + "/targ", target},
	} {
		line := "flowlog-exporter " + test.line
		t.Run(test.line, func(t *testing.T) {
			if got := strings.Fields(said(t, "bash", "--norc", "complete.bash", scripts["bash"], line)); !slices.Equal(got, []string{test.word}) {
				t.Errorf("bash completes by %q, want %q", got, test.word)
			}
			if got := said(t, "zsh", "-f", "complete.zsh", scripts["zsh"], line); !strings.Contains(got, test.word+"]") {
				t.Errorf("zsh makes of it %q, want %q", got, test.word)
			}
			got := said(t, "fish", "--no-config", "-c", "source "+scripts["fish"]+"; complete -C '"+line+"'")
			if word, _, _ := strings.Cut(strings.TrimSpace(got), "\t"); !strings.HasSuffix(word, test.word) || strings.Count(got, "\n") != 1 {
				t.Errorf("fish completes by %q, want %q", got, test.word)
			}
		})
	}
}

// TestManual: the page has nothing that mandoc or groff complain of, and every flag.
func TestManual(t *testing.T) {
	program := buildDated(t)
	page := filepath.Join(t.TempDir(), "flowlog-exporter.1")
	if err := os.WriteFile(page, []byte(said(t, program, "man")), 0o600); err != nil {
		t.Fatal(err)
	}
	if lint := said(t, "mandoc", "-T", "lint", "-W", "warning", page); lint != "" {
		t.Errorf("mandoc: %s", lint)
	}
	if lint := said(t, "groff", "-man", "-ww", "-z", page); lint != "" {
		t.Errorf("groff: %s", lint)
	}
	text := regexp.MustCompile(".\x08").ReplaceAllString(said(t, "mandoc", "-T", "ascii", "-O", "width=500", page), "")
	for _, command := range []string{"run", "replay", "demo"} {
		for line := range strings.Lines(said(t, program, "help", command)) {
			name := strings.TrimLeft(strings.Fields(line + " -")[0], "-")
			if strings.HasPrefix(line, "  --") && !strings.Contains(text, name) {
				t.Errorf("the manual does not tell of --%s", name)
			}
		}
	}
}
