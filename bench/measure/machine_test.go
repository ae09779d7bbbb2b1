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

// A program that is alone runs on the one processor that this process leaves to
// it, if there are two.
func TestAlone(t *testing.T) {
	all := processors()
	undo := Beside()
	if beside, want := processors(), all[:max(1, len(all)-1)]; !slices.Equal(beside, want) {
		t.Errorf("beside it, this process runs on %v, want %v", beside, want)
	}
	undo()
	if got := processors(); !slices.Equal(got, all) {
		t.Errorf("afterwards it runs on %v, want %v", got, all)
	}
	command := append(Alone("grep"), "Cpus_allowed_list:", "/proc/self/status")
	out, err := exec.Command(command[0], command[1:]...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, list, _ := strings.Cut(string(out), ":"); !slices.Equal(expand(strings.TrimSpace(list)), all[len(all)-1:]) {
		t.Errorf("the program runs on %s, want the last of %v", list, all)
	}
}
