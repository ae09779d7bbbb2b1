package kube

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestMemory: limits and GOMEMLIMIT are what docs/limits.md says for the processors
// and subnets of the values.
func TestMemory(t *testing.T) {
	once, processor := documented(t, `\| once \| (\d+) MiB`), documented(t, `\| each processor \| (\d+) MiB`)
	thousand, firehose := documented(t, `\| each thousand subnets \| (\d+) MiB`), documented(t, "--firehose.listen` (\\d+) MiB more")
	usual := fmt.Sprintf("%dMiB", documented(t, `GOMAXPROCS=2 GOMEMLIMIT=(\d+)MiB`))
	for values, c := range map[string]struct {
		processors string
		most       int
		goLimit    string
	}{
		"processors: 2":                                  {"2", once + 2*processor + thousand, usual},
		"{processors: 8, maxSubnets: 1001}":              {"8", once + 8*processor + 2*thousand, "1433MiB"},
		"{processors: 1, maxSubnets: 100000}":            {"1", once + processor + 100*thousand, "2867MiB"},
		"firehose: {enabled: true, insecureNoKey: true}": {"2", once + 2*processor + thousand + firehose, "793MiB"},
	} {
		t.Run(values, func(t *testing.T) {
			env := limited(t, values, int64(c.most)<<20, c.goLimit).Env
			if want := (corev1.EnvVar{Name: "GOMAXPROCS", Value: c.processors}); !slices.Contains(env, want) {
				t.Errorf("the environment has no %v: %v", want, env)
			}
		})
	}
}

// TestOwnMemory: GOMEMLIMIT follows the limit that a user writes, in each of the
// ways to write it.
func TestOwnMemory(t *testing.T) {
	for written, c := range map[string]struct {
		bytes   int64
		goLimit string
	}{
		"1Gi": {1 << 30, "819MiB"}, "1.5Gi": {3 << 29, "1228MiB"}, "600Mi": {600 << 20, "480MiB"}, "524288Ki": {512 << 20, "409MiB"},
		"1G": {1e9, "762MiB"}, "700M": {700e6, "534MiB"}, "1073741824": {1 << 30, "819MiB"}, `"1073741824"`: {1 << 30, "819MiB"},
	} {
		t.Run(written, func(t *testing.T) { limited(t, "resources: {limits: {memory: "+written+"}}", c.bytes, c.goLimit) })
	}
}

// limited returns the container, and fails when it has other limits.
func limited(t *testing.T, values string, bytes int64, goLimit string) *corev1.Container {
	t.Helper()
	container := decode(t, render(t, parse(t, "kinesis: {stream: a}\n", values))).container(t)
	if got := container.Resources.Limits.Memory().Value(); got != bytes {
		t.Errorf("the limit is %d bytes, want %d", got, bytes)
	}
	if want := (corev1.EnvVar{Name: "GOMEMLIMIT", Value: goLimit}); !slices.Contains(container.Env, want) {
		t.Errorf("the environment has no %v: %v", want, container.Env)
	}
	return container
}

// documented finds a number in docs/limits.md.
func documented(t *testing.T, pattern string) int {
	t.Helper()
	page, err := os.ReadFile(tree + "/docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(pattern).FindSubmatch(page)
	if found == nil {
		t.Fatalf("docs/limits.md says nothing like %s", pattern)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
