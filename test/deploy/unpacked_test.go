package deploy

import (
	"archive/tar"
	"debug/elf"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// unpack writes the files of an image below dir, with their owners.
func unpack(t *testing.T, image v1.Image, dir string) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	content := mutate.Extract(image)
	defer content.Close()
	must(os.Chmod(dir, 0o755)) //nolint:gosec // another user runs what is in it
	for files := tar.NewReader(content); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		must(err)
		at := filepath.Join(dir, filepath.Clean("/"+h.Name))
		if h.Typeflag == tar.TypeDir {
			must(os.MkdirAll(at, 0o755))
		} else {
			must(os.MkdirAll(filepath.Dir(at), 0o755))
			file, err := os.Create(at)
			must(err)
			_, err = io.Copy(file, files) //nolint:gosec // its size is checked
			must(errors.Join(err, file.Close()))
		}
		must(os.Chown(at, h.Uid, h.Gid))
		must(os.Chmod(at, h.FileInfo().Mode()))
	}
}

// checkFiles wants the program for its processor, the certificate authorities and
// the folder of the state, and nothing else.
func checkFiles(t *testing.T, dir, architecture string) {
	t.Helper()
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	program, err := elf.Open(filepath.Join(dir, "bin/flowlog-exporter"))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if program.Machine != machine[architecture] {
		t.Errorf("the program in the image of %s is for %v", architecture, program.Machine)
	}
	if libraries, _ := program.ImportedLibraries(); len(libraries) > 0 {
		t.Errorf("the program in the image of %s wants %v", architecture, libraries)
	}
	roots, err := os.ReadFile(filepath.Join(dir, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for block, rest := pem.Decode(roots); block != nil; block, rest = pem.Decode(rest) {
		n++
	}
	if n < 100 {
		t.Errorf("%d certificate authorities", n)
	}
	owners := map[string]uint32{}
	err = filepath.WalkDir(dir, func(at string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Stat(at)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o022 != 0 {
			t.Errorf("%s can be written by others: %v", at, info.Mode())
		}
		owners[strings.TrimPrefix(at, dir)] = info.Sys().(*syscall.Stat_t).Uid
		return nil
	})
	want := map[string]uint32{
		"": 0, "/bin": 0, "/bin/flowlog-exporter": 0, "/etc": 0, "/etc/ssl": 0, "/etc/ssl/certs": 0, "/etc/ssl/certs/ca-certificates.crt": 0,
		"/var": 0, "/var/lib": 0, "/var/lib/flowlog-exporter": nobody,
	}
	if diff := cmp.Diff(want, owners); err != nil || diff != "" {
		t.Errorf("files and owners (-want +got), %v:\n%s", err, diff)
	}
}
