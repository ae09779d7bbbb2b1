package kube

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// listens is how the arguments say that a port is listened on.
func listens(port corev1.ContainerPort) string { return fmt.Sprintf(":%d", port.ContainerPort) }

// ask asks a running program what Kubernetes and Prometheus will.
func (p *pod) ask(t *testing.T, running *process) {
	t.Helper()
	web, firehose := running.listeners(t, len(p.container.Ports))
	var scheme corev1.URIScheme = "HTTP"
	for _, arg := range p.container.Args {
		if strings.HasPrefix(arg, "--web.config.file=") {
			scheme = "HTTPS"
		}
	}
	for _, probe := range []*corev1.Probe{p.container.LivenessProbe, p.container.ReadinessProbe} {
		if probe.HTTPGet == nil {
			continue // a connection is all that is asked for, and was had
		}
		if probe.HTTPGet.Scheme != scheme {
			t.Errorf("%s is asked by %s, not by %s", probe.HTTPGet.Path, probe.HTTPGet.Scheme, scheme)
		}
		status, text := get(t, probe.HTTPGet.Scheme, web, probe.HTTPGet.Path)
		if ready := probe == p.container.ReadinessProbe && status == http.StatusServiceUnavailable; status != http.StatusOK && !ready {
			t.Errorf("%s is answered %d: %s", probe.HTTPGet.Path, status, text)
		}
	}
	p.scrape(t, scheme, web)
	if firehose != "" {
		p.deliver(t, firehose)
	}
}

// scrape looks at the metrics where monitors do; the runtime tells what it made of
// the environment.
func (p *pod) scrape(t *testing.T, scheme corev1.URIScheme, web string) {
	t.Helper()
	path := "/metrics"
	for _, m := range p.objects.serviceMonitors {
		path = m.Spec.Endpoints[0].Path
	}
	for _, m := range p.objects.podMonitors {
		path = m.Spec.PodMetricsEndpoints[0].Path
	}
	status, text := get(t, scheme, web, path)
	if status != http.StatusOK {
		t.Fatalf("%s is answered %d: %s", path, status, text)
	}
	for _, variable := range p.container.Env {
		var want string
		switch variable.Name {
		case "GOMAXPROCS":
			want = "\ngo_sched_gomaxprocs_threads " + variable.Value + "\n"
		case "GOMEMLIMIT":
			var mebibytes float64
			if _, err := fmt.Sscanf(variable.Value, "%fMiB", &mebibytes); err != nil {
				t.Fatal(err)
			}
			want = fmt.Sprintf("\ngo_gc_gomemlimit_bytes %g\n", mebibytes*(1<<20))
		}
		if !strings.Contains(text, want) {
			t.Errorf("%s=%s, but the metrics have no line %q", variable.Name, variable.Value, want)
		}
	}
}

// deliver asks the Firehose port without an access key, which it has to refuse.
func (p *pod) deliver(t *testing.T, firehose string) {
	t.Helper()
	var scheme corev1.URIScheme = "HTTP"
	for _, arg := range p.container.Args {
		if strings.HasPrefix(arg, "--firehose.web-config-file=") {
			scheme = "HTTPS"
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.ToLower(string(scheme))+"://"+firehose+"/flow", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Amz-Firehose-Protocol-Version", "1.0")
	request.Header.Set("X-Amz-Firehose-Request-Id", "a")
	if status, text := do(t, request); status != http.StatusUnauthorized {
		t.Errorf("a delivery without a key is answered %d: %s", status, text)
	}
}

func get(t *testing.T, scheme corev1.URIScheme, address, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.ToLower(string(scheme))+"://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("prometheus", password)
	return do(t, request)
}

func do(t *testing.T, request *http.Request) (int, string) {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // as probes of Kubernetes do
	}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}
