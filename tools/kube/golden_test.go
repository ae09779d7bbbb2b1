package kube

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// same compares a file with what it has to be, or rewrites it.
func same(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("%v; make kube-update writes it", err)
		return
	}
	if string(got) != want {
		t.Errorf("%s is not what it is made from; make kube-update rewrites it:\n%s", path, difference(string(got), want))
	}
}

// surplus is a file that is made of nothing any more: an error, or it is removed.
func surplus(t *testing.T, path string) {
	t.Helper()
	if !*update {
		t.Errorf("%s is made of nothing; make kube-update removes it", path)
	} else if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// difference shows the first line in which two texts differ.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		if line(g, i) != line(w, i) {
			return cmp.Or(line(g, i), "(nothing)") + "\nwant\n" + cmp.Or(line(w, i), "(nothing)")
		}
	}
	return ""
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
