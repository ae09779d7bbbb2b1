package kube

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
)

const password = "scrape"

// TestProgram starts the real program with the arguments, the environment and the
// files of each scenario's pod, asks what its probes and monitors ask, and ends it.
func TestProgram(t *testing.T) {
	program := build(t)
	eachScenario(t, func(t *testing.T, o *objects) {
		p := newPod(t, o)
		running := start(t, p.command(t, program))
		p.ask(t, running)
		running.stop(t)
	})
}

// build compiles the program as make build does.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "flowlog-exporter")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", program, ".")
	build.Dir, build.Env = tree, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// pod is a container as this machine runs it: what is mounted lies below a folder of
// the test, and ports are free ones.
type pod struct {
	container *corev1.Container
	objects   *objects
	root      string
	files     []string // below the folder of the configuration
}

// newPod lays out the volumes of the container.
func newPod(t *testing.T, o *objects) *pod {
	t.Helper()
	p := &pod{container: o.container(t), objects: o, root: t.TempDir()}
	contents := map[string]map[string]string{}
	for _, v := range o.statefulSets[0].Spec.Template.Spec.Volumes {
		switch {
		case v.Secret != nil:
			contents[v.Name] = secrets(t)
		case v.ConfigMap != nil:
			for _, c := range o.configMaps {
				if c.Name == v.ConfigMap.Name {
					contents[v.Name] = c.Data
				}
			}
		}
	}
	for _, mount := range p.container.VolumeMounts {
		folder := p.path(mount.MountPath)
		if err := os.MkdirAll(folder, 0o750); err != nil {
			t.Fatal(err)
		}
		for file, text := range contents[mount.Name] {
			p.files = append(p.files, filepath.Base(folder)+"/"+file)
			if err := os.WriteFile(filepath.Join(folder, file), []byte(p.path(text)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p
}

// path moves the paths of the container in a text to the folder of the test.
func (p *pod) path(text string) string {
	for _, folder := range []string{"/etc/flowlog-exporter", "/var/lib/flowlog-exporter", "/etc/ssl/certs"} {
		text = strings.ReplaceAll(text, folder, p.root+folder)
	}
	return text
}

// command runs the program as the container would, on free ports, where nothing
// answers in AWS's place, and without waiting for a last scrape.
func (p *pod) command(t *testing.T, program string) *exec.Cmd {
	t.Helper()
	args := []string{}
	for _, arg := range p.container.Args {
		for _, port := range p.container.Ports {
			arg = strings.Replace(arg, "="+listens(port), "=127.0.0.1:0", 1)
		}
		args = append(args, p.path(arg))
	}
	cmd := exec.CommandContext(t.Context(), program, append(args, "--web.last-scrape-wait=0s")...)
	cmd.Env = []string{"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_EC2_METADATA_DISABLED=true", "HOME=" + p.root}
	for _, variable := range p.container.Env {
		value := variable.Value
		if variable.ValueFrom != nil {
			value = "AKIAEXAMPLE"
		}
		cmd.Env = append(cmd.Env, variable.Name+"="+value)
	}
	return cmd
}

// secrets are what every secret that a scenario names holds here.
func secrets(t *testing.T) map[string]string {
	t.Helper()
	certificate, key := selfSigned(t)
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	const tls = "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n"
	return map[string]string{
		"tls.crt": certificate, "tls.key": key, "api_key": "secret\n", "keys.json": `{"api_key":"secret"}`,
		"web.yml": tls, "config.yml": tls + "basic_auth_users: {prometheus: " + string(hash) + "}\n",
	}
}

// selfSigned returns a certificate of this machine and its key.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return text("CERTIFICATE", der), text("PRIVATE KEY", secret)
}

// TestArgumentsNameWhatIsMounted: a file that the program is told of is in a volume.
func TestArgumentsNameWhatIsMounted(t *testing.T) {
	eachScenario(t, func(t *testing.T, o *objects) {
		p := newPod(t, o)
		named := map[string]bool{}
		for _, arg := range p.container.Args {
			if _, file, ok := strings.Cut(arg, "=/etc/flowlog-exporter/"); ok {
				named[file] = true
				if !slices.Contains(p.files, file) {
					t.Errorf("%s: mounted are %v", arg, p.files)
				}
			}
		}
		for _, c := range o.configMaps {
			if c.Name != o.statefulSets[0].Name {
				continue
			}
			for file := range maps.Keys(c.Data) {
				if !named["files/"+file] {
					t.Errorf("no argument names %s", file)
				}
			}
		}
	})
}
