package deploy

import (
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// mostPulled is how much may be pulled for one platform.
const mostPulled = 12_000_000

// listening is what the exporter says when it can be scraped, and where.
const listening = `(?i)msg="?listening(?: on)?"? .*address=(\S+)`

// nobody is the user of the image.
const nobody = 65534

// serveRegistry returns the address of a registry.
func serveRegistry(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// TestEngine makes and pushes the image by an engine. TestPage does it without.
func TestEngine(t *testing.T) {
	tree, repo := clone(t, "first"), serveRegistry(t)+"/mycompany"
	env := append(storage(t), "DOCKER=buildah", "DOCKERREPO="+repo)
	t.Log(run(t, tree, env, "make", "image"))
	t.Log(run(t, tree, env, "make", "push"))
	checkPushed(t, repo)
}

// checkPushed pulls the image back out of the registry, checks and uses it, and
// returns the folder that each platform was unpacked to.
func checkPushed(t *testing.T, repo string) map[string]string {
	t.Helper()
	index := pull(t, repo+"/flowlog-exporter:"+version)
	if latest := pull(t, repo+"/flowlog-exporter:latest"); digest(t, latest) != digest(t, index) {
		t.Errorf("latest is %v, %s is %v", digest(t, latest), version, digest(t, index))
	}
	dirs := inspect(t, index)
	serves(t, dirs["linux/amd64"])
	checkInventory(t, repo, digest(t, index), dirs)
	t.Logf("index %v", digest(t, index))
	return dirs
}

// TestImageIsReproducible: another clone at another place gives the same bytes.
func TestImageIsReproducible(t *testing.T) {
	var digests []v1.Hash
	for _, each := range []string{"first", "elsewhere/second"} {
		tree := clone(t, each)
		run(t, tree, []string{"DOCKER=built-in"}, "make", "image")
		raw, err := os.ReadFile(filepath.Join(tree, "dist/image/index.json"))
		if err != nil {
			t.Fatal(err)
		}
		var layout v1.IndexManifest
		if err := json.Unmarshal(raw, &layout); err != nil {
			t.Fatal(err)
		}
		for _, m := range layout.Manifests {
			digests = append(digests, m.Digest)
		}
	}
	if len(digests) != 4 || !slices.Equal(digests[:2], digests[2:]) {
		t.Errorf("index and SBOM of two clones: %v", digests)
	}
	t.Logf("index %v twice", digests[0])
}

// storage lets buildah work below a folder of the test, without overlays.
func storage(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "storage.conf")
	content := "[storage]\ndriver = \"vfs\"\nrunroot = \"" + dir + "/run\"\ngraphroot = \"" + dir + "/graph\"\n"
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"CONTAINERS_STORAGE_CONF=" + config, "BUILDAH_ISOLATION=chroot"}
}

func pull(t *testing.T, text string) v1.ImageIndex {
	t.Helper()
	ref, err := name.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func digest(t *testing.T, index v1.ImageIndex) v1.Hash {
	t.Helper()
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// inspect checks what the index holds, and returns the folder of each platform
// that it was unpacked to.
func inspect(t *testing.T, index v1.ImageIndex) map[string]string {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	dirs := map[string]string{}
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		platform := m.Platform.OS + "/" + m.Platform.Architecture
		checkConfig(t, image, m.Platform)
		checkSize(t, image, platform)
		if dirs[platform], err = os.MkdirTemp(scratch, "image"); err != nil {
			t.Fatal(err)
		}
		unpack(t, image, dirs[platform])
		checkFiles(t, dirs[platform], m.Platform.Architecture)
	}
	if len(dirs) != 2 || dirs["linux/amd64"] == "" || dirs["linux/arm64"] == "" {
		t.Fatalf("the index holds %v", dirs)
	}
	return dirs
}

func checkConfig(t *testing.T, image v1.Image, platform *v1.Platform) {
	t.Helper()
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{}
	for label, value := range file.Config.Labels {
		if own := strings.TrimPrefix(label, "org.opencontainers.image."); own != label {
			labels[own] = value
		}
	}
	revision := labels["revision"]
	delete(labels, "revision")
	if len(revision) != 40 {
		t.Errorf("revision %q is no commit", revision)
	}
	type shape struct {
		OS, Architecture, User string
		Entrypoint, Cmd        []string
		Ports                  map[string]struct{}
		Labels                 map[string]string
		Created                string
	}
	const home = "https://github.com/flowlog-exporter/flowlog-exporter"
	got := shape{
		file.OS, file.Architecture, file.Config.User, file.Config.Entrypoint, file.Config.Cmd, file.Config.ExposedPorts, labels,
		file.Created.Format("2006-01-02T15:04:05Z07:00"),
	}
	want := shape{
		platform.OS, platform.Architecture, "65534:65534", []string{"/bin/flowlog-exporter"}, nil, map[string]struct{}{"8080/tcp": {}}, map[string]string{
			"title": "flowlog-exporter", "description": "Reads Amazon VPC flow logs and exports them to Prometheus", "url": home, "source": home,
			"licenses": "Apache-2.0", "version": version, "created": "2026-11-27T12:00:00Z",
		}, "2026-11-27T12:00:00Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration of %v (-want +got):\n%s", platform, diff)
	}
}

// checkSize adds up what a pull of the image transports.
func checkSize(t *testing.T, image v1.Image, platform string) {
	t.Helper()
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	size := manifest.Config.Size
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	if size > mostPulled {
		t.Errorf("%s: %d bytes as pulled, want at most %d", platform, size, mostPulled)
	}
	t.Logf("%s: %.2f MB as pulled", platform, float64(size)/1e6)
}

// contained returns the program of an unpacked image, to be run as it would be in
// a container: it sees only the image, as the image's user.
func contained(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/flowlog-exporter", args...)
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

// serves runs the program out of the image. Nothing in the image but the folder
// of the state belongs to its user, so the root is as good as read-only.
func serves(t *testing.T, dir string) {
	t.Helper()
	p := start(t, contained(t, dir, "demo", "--web.listen-address=127.0.0.1:0"))
	address := p.await(t, listening)
	bytes := received(t, address)
	for _, path := range []string{"/-/healthy", "/-/ready"} {
		if _, err := get("http://" + address + path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	page, err := get("http://" + address + "/metrics")
	if err != nil || !strings.Contains(page, `flowlog_exporter_build_info{`) || !strings.Contains(page, `version="`+version+`"`) {
		t.Errorf("no build of %s on /metrics: %v", version, err)
	}
	t.Logf("in a chroot as user %d: %d lines on /metrics, %.0f bytes received", nobody, strings.Count(page, "\n"), bytes)
}
