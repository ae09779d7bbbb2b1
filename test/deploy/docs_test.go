package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const page = "../../docs/deployment.md"

// blocks returns what stands in the fenced blocks of a language.
func blocks(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		all.WriteString(block[1])
	}
	return all.String()
}

// reader does what the page says, one command after the other.
type reader struct {
	tree, root, repo string
	images           map[string]string // unpacked, by platform
}

// TestPage runs every command of the page; one that it cannot run fails it.
func TestPage(t *testing.T) {
	r := &reader{tree: clone(t, "first"), root: t.TempDir(), repo: serveRegistry(t) + "/mycompany"}
	for command := range strings.Lines(blocks(t, "sh")) {
		command = strings.TrimSpace(command)
		t.Run(command, func(t *testing.T) { r.follow(t, command) })
	}
	drop := filepath.Join(r.root, "etc/systemd/system/flowlog-exporter.service.d/aws.conf")
	if err := os.MkdirAll(filepath.Dir(drop), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(drop, []byte(blocks(t, "ini")), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, ok := verify(t, r.root); !ok {
		t.Errorf("with the drop-in of the page: %s", said)
	}
}

func (r *reader) follow(t *testing.T, command string) {
	words := strings.Fields(command)
	shell := func(command string) { t.Log(run(t, r.tree, nil, "bash", "-c", command)) }
	switch {
	case words[0] == "DOCKERREPO=mycompany":
		shell(strings.Replace(command, "DOCKERREPO=mycompany", "DOCKER=built-in DOCKERREPO="+r.repo, 1))
		if words[len(words)-1] == "push" {
			r.images = checkPushed(t, r.repo)
		}
	case strings.HasPrefix(command, "docker run --read-only "):
		_, after, ok := strings.Cut(command, " mycompany/flowlog-exporter ")
		if !ok {
			t.Fatal("not the image")
		}
		r.contain(t, strings.Fields(after))
	case command == "make release":
		released(t)
	case strings.HasPrefix(command, "(cd dist/release && sha256sum "):
		shell(command)
	case words[0] == "dpkg":
		install(t, r.root, filepath.Join(r.tree, words[len(words)-1]))
	case command == "systemctl daemon-reload": // nothing runs in a folder that would read units again
	case words[0] == "systemctl":
		shell("systemctl --root=" + r.root + " " + strings.ReplaceAll(strings.Join(words[1:], " "), "--now ", ""))
		r.enabled(t, words[len(words)-1])
	case words[0] == "sed":
		shell(strings.Replace(command, "/etc/default", r.root+"/etc/default", 1))
		settings, err := os.ReadFile(filepath.Join(r.root, "etc/default/flowlog-exporter"))
		if err != nil || !strings.Contains(string(settings), "\nFLOWLOG_WEB_SYSTEMD_SOCKET=true\n") {
			t.Errorf("nothing was set: %v\n%s", err, settings)
		}
	default:
		t.Error("nothing runs this command")
	}
}

// contain runs the image that was pushed, with the arguments of the page.
func (r *reader) contain(t *testing.T, args []string) {
	t.Helper()
	p := start(t, contained(t, r.images["linux/amd64"], append(args, "--web.listen-address=127.0.0.1:0")...))
	address := p.await(t, listening)
	if args[0] == "demo" {
		received(t, address)
		return
	}
	if _, err := get("http://" + address + "/-/healthy"); err != nil {
		t.Error(err)
	}
}

// enabled wants the unit to be started with the machine.
func (r *reader) enabled(t *testing.T, unit string) {
	t.Helper()
	if !strings.Contains(unit, ".") {
		unit += ".service"
	}
	found, err := filepath.Glob(filepath.Join(r.root, "etc/systemd/system/*.wants", unit))
	if err != nil || len(found) != 1 {
		t.Errorf("%s is wanted by %v, %v", unit, found, err)
	}
}

// verify asks systemd about the units in the root folder.
func verify(t *testing.T, root string) (said string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--root="+root, "flowlog-exporter.service", "flowlog-exporter.socket")
	out, err := cmd.CombinedOutput()
	return string(out), err == nil && len(out) == 0
}
