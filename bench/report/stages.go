package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/bench/way"
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
	if err := json.Unmarshal(out, &r.Stages); err != nil {
		return err
	}
	need := []string{way.StageKlauspost, way.StageWhole}
	if runtime.NumCPU() > 1 {
		need = append(need, way.StageOneCore, way.StageTwoCores)
	}
	for _, name := range need {
		if r.undisturbed(name) == 0 {
			return fmt.Errorf("bench/pipeline says nothing of the stage %q", name)
		}
	}
	return nil
}

// undisturbed is what a stage costs where nobody disturbs; 0 where it was not
// measured.
func (r *results) undisturbed(name string) float64 {
	for _, s := range r.Stages {
		if s.Name == name {
			return s.Nanos
		}
	}
	return 0
}

func (r *results) staged(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Stages\n\nOf each body the fastest of %d passes, one core, by the clock: what somebody else does on the machine hardly shows. Each stage includes\n"+
		"those before it, but for klauspost's inflating. The last two lines are the whole way by stretches of %d bodies, of each the fastest of four times as many passes.\n\n| | ns a record |\n|--|--|\n", r.StagePasses, way.StretchBodies)
	for _, s := range r.Stages {
		fmt.Fprintf(b, "| %s | %.0f |\n", s.Name, s.Nanos)
	}
}
