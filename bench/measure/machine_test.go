package measure

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	for text, want := range map[string]string{"0-2,5": "0 1 2 5", "3": "3", "0,10-11": "0 10 11", "": "", "x": "", "1-x": ""} {
		if got := strings.Join(expand(text), " "); got != want {
			t.Errorf("%q lists %q, want %q", text, got, want)
		}
	}
}

// A program that is set apart runs on the one processor that this process leaves
// to it, and else where this process does.
func TestApart(t *testing.T) {
	all := processors()
	own, program := all, all
	command, undo, ok := Apart("grep")
	if ok {
		own, program = all[:len(all)-1], all[len(all)-1:]
	}
	if got := processors(); !slices.Equal(got, own) {
		t.Errorf("this process runs on %v, want %v", got, own)
	}
	if len(all) > 0 {
		out, err := exec.Command(command[0], append(command[1:], "Cpus_allowed_list:", "/proc/self/status")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		if _, list, _ := strings.Cut(string(out), ":"); !slices.Equal(expand(strings.TrimSpace(list)), program) {
			t.Errorf("the program runs on %s, want %v", list, program)
		}
	}
	undo()
	if got := processors(); !slices.Equal(got, all) {
		t.Errorf("afterwards this process runs on %v, want %v", got, all)
	}
	if _, err := exec.LookPath(taskset); err == nil && ok != (len(all) > 1) {
		t.Errorf("with taskset and %d processors: %v", len(all), ok)
	}
}
