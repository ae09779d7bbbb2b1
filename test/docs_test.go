//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/ledger"
)

// pages are read as a user reads them: their commands are run from top to
// bottom by one shell. What must have been done before, and what must have come
// of it, is said here.
var pages = []struct{ page, before, after string }{
	{"security.md", "", `
		plain=$(curl -s -o /dev/null -w '%{http_code}' --cacert tls.crt https://localhost:9184/metrics)
		[ "$plain" = 401 ] || { echo "without a password: $plain"; exit 1; }
		kill -TERM %1 && wait %1`},
	{"upgrading.md", `
		printf '10.0.0.0/16\n' > subnets.txt
		echo '2 123456789012 eni-0a1b2c3d 10.0.0.1 10.0.0.2 443 50000 6 10 8000 1790000000 1790000060 ACCEPT OK' > flows.log
		flowlog-exporter --file.path flows.log --subnets.file subnets.txt --state.path state --web.listen-address 127.0.0.1:9184 &
		curl -s --retry 20 --retry-connrefused localhost:9184/-/healthy`,
		`cmp state/state state.before/state`},
}

var shell = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

func TestCommandsOfPages(t *testing.T) {
	bin := filepath.Dir(buildExporter(t))
	for _, p := range pages {
		t.Run(p.page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../docs", p.page))
			if err != nil {
				t.Fatal(err)
			}
			script := []string{"set -euo pipefail", "trap 'jobs -p | xargs -r kill' EXIT", p.before}
			blocks := shell.FindAllStringSubmatch(string(text), -1)
			for _, block := range blocks {
				script = append(script, block[1])
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-c", strings.Join(append(script, p.after), "\n"))
			cmd.Dir = t.TempDir()
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
			cmd.WaitDelay = 5 * time.Second
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Logf("%d blocks of commands:\n%s", len(blocks), out)
		})
	}
}

// TestRefusalOfNewerState: the page shows what is really said.
func TestRefusalOfNewerState(t *testing.T) {
	text, err := os.ReadFile("../docs/upgrading.md")
	if err != nil {
		t.Fatal(err)
	}
	e := &ledger.VersionError{Path: "/var/lib/flowlog-exporter/state", Found: ledger.Version + 1, Known: ledger.Version}
	if !strings.Contains(string(text), "\n"+e.Error()+"\n") {
		t.Errorf("docs/upgrading.md does not show: %s", e.Error())
	}
}
