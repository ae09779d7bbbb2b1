package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestRole is no test: it is what another process runs, in the role that
// another names.
func TestRole(t *testing.T) {
	name, dir, found := strings.Cut(os.Getenv("LEDGER_ROLE"), ":")
	if !found {
		return
	}
	if err := roles[name](dir); err != nil {
		t.Fatal(err)
	}
}

var roles = map[string]func(dir string) error{
	// hold has the state until its standard input ends.
	"hold": func(dir string) error {
		f, err := OpenFile(dir)
		if err != nil {
			return err
		}
		defer f.Close()
		fmt.Println("held")
		_, err = bufio.NewReader(os.Stdin).ReadByte()
		return fmt.Errorf("released: %w", err)
	},
}

// another is a process in a role.
func another(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRole$", "-test.v")
	c.Env = append(os.Environ(), "LEDGER_ROLE="+role+":"+dir)
	return c
}

func refused(t *testing.T, dir string) {
	t.Helper()
	_, err := OpenFile(dir)
	want := fmt.Sprintf("the state in %s is in use by another process: stop that process, or set --state.path to another directory", dir)
	if !errors.Is(err, ErrLocked) || err.Error() != want {
		t.Errorf("opened twice: %v", err)
	}
}

func TestOneAtATime(t *testing.T) {
	dir := t.TempDir()
	f := openFile(t, dir)
	refused(t, dir)
	out, err := another(t, "hold", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "in use by another process") {
		t.Errorf("a second process: %v\n%s", err, out)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	openFile(t, dir)
}

// TestKillReleasesTheLock kills a process that has the state.
func TestKillReleasesTheLock(t *testing.T) {
	dir := t.TempDir()
	c := another(t, "hold", dir)
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "held" {
	}
	refused(t, dir)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // says that it was killed
	openFile(t, dir)
}
