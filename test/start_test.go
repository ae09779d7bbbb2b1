//go:build e2e

package e2e

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the pages that tests write")

// numbersIn is what differs from run to run.
var numbersIn = regexp.MustCompile(`\d+(\.\d+)?(e[+-]\d+)?`)

// TestStart goes the way of a new user and compares what is seen with
// docs/start.md, figures apart; -update writes the page.
func TestStart(t *testing.T) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "./start.sh")
	cmd.Stderr = &stderr
	seen, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, seen, &stderr)
	}
	const page = "../docs/start.md"
	if *update {
		if err := os.WriteFile(page, seen, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	told, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shape(string(seen)), shape(string(told)); got != want {
		t.Errorf("%s is not what a new user sees; go test -tags e2e ./test -run TestStart -update writes it. Seen:\n%s", page, seen)
	}
	_, numbers, _ := strings.Cut(string(seen), "$ promtool query")
	numbers, _, _ = strings.Cut(numbers, "```")
	t.Logf("from a clone to numbers in Prometheus:\n$ promtool query%s", numbers)
}

// shape leaves out the figures and the order of what promtool prints.
func shape(text string) string { return numbersIn.ReplaceAllString(text, "N") }
