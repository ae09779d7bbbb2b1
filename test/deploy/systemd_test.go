package deploy

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mostExposed is the worst mark that the unit may have from systemd-analyze.
const mostExposed = 2.1

// installed returns a root folder with the deb of the release in it.
func installed(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	install(t, root, filepath.Join(released(t), "flowlog-exporter_1.2.3_amd64.deb"))
	return root
}

// install lets dpkg install a deb into a root folder, beside the units and the
// command of the system that ours refer to.
func install(t *testing.T, root, deb string) {
	t.Helper()
	const script = `set -e
		mkdir -p "$1"/var/lib/dpkg/updates "$1"/var/lib/dpkg/info "$1"/usr/lib/systemd/system "$1"/bin
		touch "$1"/var/lib/dpkg/status
		dpkg --root="$1" -i $2 >/dev/null
		cp -P /lib/systemd/system/*.target /lib/systemd/system/*.slice "$1"/usr/lib/systemd/system/
		cp /bin/kill "$1"/bin/kill`
	run(t, ".", nil, "sh", "-c", script, "sh", root, deb)
}

func TestUnitsAreValid(t *testing.T) {
	root := installed(t)
	if said, ok := verify(t, root); !ok {
		t.Errorf("systemd-analyze verify: %s", said)
	}
	said := run(t, ".", nil, "systemd-analyze", "security", "--offline=true", "--root="+root, fmt.Sprintf("--threshold=%.0f", mostExposed*10), "flowlog-exporter.service")
	found := regexp.MustCompile(`Overall exposure level for flowlog-exporter\.service: ([0-9.]+) `).FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("no mark:\n%s", said)
	}
	var mark float64
	if _, err := fmt.Sscan(found[1], &mark); err != nil || mark > mostExposed {
		t.Errorf("exposure %s, want at most %.1f: %v\n%s", found[1], mostExposed, err, said)
	}
	t.Logf("systemd-analyze verify: clean; security: %.1f", mark)
}

// TestSocketActivation: the first scrape starts the exporter, and is answered on
// the socket that it was handed.
func TestSocketActivation(t *testing.T) {
	program := filepath.Join(installed(t), "usr/bin/flowlog-exporter")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	cmd := exec.CommandContext(t.Context(), "systemd-socket-activate", "--listen="+address, "--setenv=FLOWLOG_WEB_SYSTEMD_SOCKET=true", program, "demo")
	p := start(t, cmd)
	p.await(t, `Listening on (\S+)`)
	t.Logf("%.0f bytes received, on a socket of systemd's", received(t, address))
}

// TestEnvironmentFile: each setting in the file of the package is one that the
// program has.
func TestEnvironmentFile(t *testing.T) {
	root := installed(t)
	content, err := os.ReadFile(filepath.Join(root, "etc/default/flowlog-exporter"))
	if err != nil {
		t.Fatal(err)
	}
	unit, err := os.ReadFile(filepath.Join(root, "usr/lib/systemd/system/flowlog-exporter.service"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	help := run(t, ".", nil, filepath.Join(root, "usr/bin/flowlog-exporter"), "help", "run")
	for _, flag := range regexp.MustCompile(`(?m)^ +--(\S+)`).FindAllStringSubmatch(help, -1) {
		known["FLOWLOG_"+strings.NewReplacer(".", "_", "-", "_").Replace(strings.ToUpper(flag[1]))] = true
	}
	used := regexp.MustCompile(`(?m)^#?(?:Environment=)?(FLOWLOG_[A-Z0-9_]+)=`).FindAllStringSubmatch(string(content)+string(unit), -1)
	if len(used) < 4 {
		t.Errorf("found only %v", used)
	}
	for _, name := range used {
		if !known[name[1]] {
			t.Errorf("%s is no setting of the program", name[1])
		}
	}
}
