package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
)

// stage is what a stage of the way takes, with those before it.
type stage struct {
	Name  string  `json:"stage"`
	Nanos float64 `json:"nanoseconds_per_record"`
}

// stages measures each body at its fastest: what a machine does that nobody
// disturbs, as far as that can be known on one that is shared.
func (s *settings) stages(r *results) error {
	r.StagePasses = 30
	if s.quick {
		r.StagePasses = 5
	}
	out, err := exec.Command(s.pipeline(), "-corpus", s.dir, "-stages", fmt.Sprint(r.StagePasses), "-json").Output()
	if err != nil {
		return err
	}
	return json.Unmarshal(out, &r.Stages)
}

// The stages that figures are made of, by the names that bench/pipeline gives them.
const (
	stageKlauspost = "klauspost inflates"
	stageWhole     = "the whole way"
	stageTogether  = "the same, two cores at work"
)

// undisturbed is what a stage costs where nobody disturbs; 0 where the machine
// has not the cores for it.
func (r *results) undisturbed(name string) float64 {
	for _, s := range r.Stages {
		if s.Name == name {
			return s.Nanos
		}
	}
	return 0
}

func (r *results) staged(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Stages\n\nOf each body the fastest of %d passes, one core but for the last line, by the clock: what somebody else does on the machine hardly\n"+
		"shows. Each stage includes those before it, but for klauspost's inflating. In the last line a second core does the same beside.\n\n| | ns a record |\n|--|--|\n", r.StagePasses)
	for _, s := range r.Stages {
		fmt.Fprintf(b, "| %s | %.0f |\n", s.Name, s.Nanos)
	}
}
