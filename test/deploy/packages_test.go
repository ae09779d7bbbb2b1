package deploy

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sassoftware/go-rpmutils"
)

// packed is what a package must hold, with its mode; man page and completions
// come on top when the program can print them.
var packed = map[string]string{
	"/etc/default/flowlog-exporter":                    "-rw-r--r--",
	"/usr/bin/flowlog-exporter":                        "-rwxr-xr-x",
	"/usr/lib/systemd/system/flowlog-exporter.service": "-rw-r--r--",
	"/usr/lib/systemd/system/flowlog-exporter.socket":  "-rw-r--r--",
	"/usr/share/doc/flowlog-exporter/copyright":        "-rw-r--r--",
}

// described is what the program prints itself, by the command that prints it; zsh
// is where the kind of package has its completions.
func described(zsh string) map[string][]string {
	return map[string][]string{
		"man": {"/usr/share/man/man1/flowlog-exporter.1.gz"},
		"completion bash": {
			"/usr/share/bash-completion/completions/flowlog-exporter", "/usr/share/zsh/" + zsh + "/_flowlog-exporter",
			"/usr/share/fish/vendor_completions.d/flowlog-exporter.fish",
		},
	}
}

// released makes a release for Linux in a clone, once, and returns its folder.
func released(t *testing.T) string {
	t.Helper()
	tree := clone(t, "first")
	making.Do(func() { t.Log(run(t, tree, nil, "make", "release", "RELEASES=linux/amd64,linux/arm64")) })
	return filepath.Join(tree, "dist/release")
}

var making sync.Once

// contents returns what a package must hold of the program at hand.
func contents(t *testing.T, dir, zsh string) map[string]string {
	t.Helper()
	want := map[string]string{}
	for name, mode := range packed {
		want[name] = mode
	}
	program := filepath.Join(dir, "../linux-amd64/flowlog-exporter")
	for command, files := range described(zsh) {
		if exec.CommandContext(t.Context(), program, strings.Fields(command)...).Run() != nil {
			continue // it has no such command
		}
		for _, name := range files {
			want[name] = "-rw-r--r--"
		}
	}
	return want
}

func TestRelease(t *testing.T) {
	dir := released(t)
	want := []string{
		"flowlog-exporter-1.2.3-1.aarch64.rpm", "flowlog-exporter-1.2.3-1.x86_64.rpm",
		"flowlog-exporter-1.2.3.linux-amd64.tar.gz", "flowlog-exporter-1.2.3.linux-arm64.tar.gz",
		"flowlog-exporter_1.2.3_amd64.deb", "flowlog-exporter_1.2.3_arm64.deb",
	}
	var got []string
	sums, err := os.Open(filepath.Join(dir, "sha256sums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer sums.Close()
	for lines := bufio.NewScanner(sums); lines.Scan(); {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if own := sha256.Sum256(content); hex.EncodeToString(own[:]) != sum {
			t.Errorf("the checksum of %s is wrong", name)
		}
		got = append(got, name)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files with a checksum (-want +got):\n%s", diff)
	}
}

// TestReleaseIsReproducible packs the same program once more, in another clone.
func TestReleaseIsReproducible(t *testing.T) {
	first, tree := released(t), clone(t, "elsewhere/second")
	run(t, tree, nil, "make", "release", "RELEASES=linux/amd64")
	for _, name := range []string{"flowlog-exporter-1.2.3-1.x86_64.rpm", "flowlog-exporter-1.2.3.linux-amd64.tar.gz", "flowlog-exporter_1.2.3_amd64.deb"} {
		one, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(filepath.Join(tree, "dist/release", name))
		if err != nil {
			t.Fatal(err)
		}
		if sha256.Sum256(one) != sha256.Sum256(other) {
			t.Errorf("two releases have different bytes in %s", name)
		}
	}
}

func TestDeb(t *testing.T) {
	dir := released(t)
	for _, architecture := range []string{"amd64", "arm64"} {
		file := filepath.Join(dir, "flowlog-exporter_1.2.3_"+architecture+".deb")
		got := map[string]string{}
		for line := range strings.Lines(run(t, dir, nil, "dpkg-deb", "-c", file)) {
			words := strings.Fields(line)
			if words[1] != "root/root" {
				t.Errorf("not of root: %s", line)
			}
			if name := strings.TrimPrefix(words[5], "."); !strings.HasSuffix(name, "/") {
				got[name] = words[0]
			}
		}
		if diff := cmp.Diff(contents(t, dir, "vendor-completions"), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
		fields := run(t, dir, nil, "dpkg-deb", "-f", file, "Package", "Version", "Architecture")
		if want := "Package: flowlog-exporter\nVersion: 1.2.3\nArchitecture: " + architecture + "\n"; fields != want {
			t.Errorf("%s says\n%swant\n%s", file, fields, want)
		}
	}
}

func TestRPM(t *testing.T) {
	dir := released(t)
	for _, architecture := range []string{"x86_64", "aarch64"} {
		file, err := os.Open(filepath.Join(dir, "flowlog-exporter-1.2.3-1."+architecture+".rpm"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		rpm, err := rpmutils.ReadRpm(file)
		if err != nil {
			t.Fatal(err)
		}
		files, err := rpm.Header.GetFiles()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, f := range files {
			if f.Mode()&0o170000 != 0o100000 {
				continue // a folder
			}
			got[f.Name()] = os.FileMode(f.Mode() & 0o777).String() //nolint:gosec // nine bits
			if config := f.Flags()&rpmutils.RPMFILE_CONFIG != 0; config != strings.HasPrefix(f.Name(), "/etc/") || f.UserName() != "root" {
				t.Errorf("%s: flags %x, user %s", f.Name(), f.Flags(), f.UserName())
			}
		}
		if diff := cmp.Diff(contents(t, dir, "site-functions"), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", architecture, diff)
		}
	}
}
