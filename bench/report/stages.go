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
	r.StagePasses = 15
	if s.quick {
		r.StagePasses = 5
	}
	out, err := exec.Command(s.pipeline(), "-corpus", s.dir, "-stages", fmt.Sprint(r.StagePasses), "-json").Output()
	if err != nil {
		return err
	}
	return json.Unmarshal(out, &r.Stages)
}

// undisturbed are the costs of the whole way, and of klauspost inflating alone.
func (r *results) undisturbed() (whole, klauspost float64) {
	return r.Stages[len(r.Stages)-1].Nanos, r.Stages[0].Nanos
}

func (r *results) staged(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Stages\n\nOf each body the fastest of %d passes, one core, by the clock: what somebody else does on the machine hardly shows. Each stage includes\n"+
		"those before it, but for klauspost's inflating.\n\n| | ns a record |\n|--|--|\n", r.StagePasses)
	for _, s := range r.Stages {
		fmt.Fprintf(b, "| %s | %.0f |\n", s.Name, s.Nanos)
	}
}
