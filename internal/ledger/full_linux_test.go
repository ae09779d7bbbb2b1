package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func init() { roles["full"] = fillDisk }

// TestFullAndReadOnlyDisk runs on a small file system of its own, in a
// namespace that ends with the process. Where the system gives none to this
// user, TestFailedOperation and TestRemedies have said the same by a disk that
// pretends.
func TestFullAndReadOnlyDisk(t *testing.T) {
	c := another(t, "full", t.TempDir())
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	switch {
	case err == nil && bytes.Contains(out, []byte("went on")):
		t.Logf("%s", out)
	case bytes.Contains(out, []byte(noMount)), len(out) == 0: // not even started
		t.Logf("no file system of its own: %v %s", err, out)
	default:
		t.Errorf("%v\n%s", err, out)
	}
}

const noMount = "no mount: "

// fillDisk saves on a disk that is filled and freed again.
func fillDisk(dir string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		return fmt.Errorf(noMount+"%w", err)
	}
	f, err := OpenFile(dir)
	if err != nil {
		return err
	}
	random := seeded(1)
	s, origin, err := f.Load()
	if err != nil || origin != Fresh {
		return fmt.Errorf("%v, %w", origin, err)
	}
	save := func(generation uint64, want error) error {
		s = anySnapshot(random, generation)
		err := f.Save(s)
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			return fmt.Errorf("generation %d is saved: %w", generation, err)
		}
		if _, err := os.Stat(filepath.Join(dir, asideName)); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s is left over: %w", asideName, err)
		}
		got, origin, err := f.Load()
		if err != nil || origin != Newest || want == nil && !same(s, got) || want != nil && got.Generation != generation-1 {
			return fmt.Errorf("after generation %d: loaded %v, %w", generation, origin, err)
		}
		return nil
	}
	ballast := filepath.Join(dir, "ballast")
	if err := save(1, nil); err != nil {
		return err
	}
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("the disk is not full: %w", err)
	}
	if err := save(2, syscall.ENOSPC); err != nil {
		return err
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if err := save(2, nil); err != nil {
		return err
	}
	if err := readOnly(filepath.Join(dir, "other")); err != nil {
		return err
	}
	fmt.Println("went on after a full disk; refused a read-only one")
	return nil
}

func readOnly(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
		return err
	}
	for _, at := range []string{dir, filepath.Join(dir, "new")} {
		_, err := OpenFile(at)
		if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "Make it writable for user") {
			return fmt.Errorf("a read-only disk: %w", err)
		}
	}
	return nil
}
