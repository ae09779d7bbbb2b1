package exporter

import (
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/bench/measure"
)

// Starts returns the median time from the start of the program to the first
// scrape answered, without AWS; state is a folder to restore from, or "".
func Starts(program, file, subnets, state string, rounds int) (time.Duration, error) {
	args := []string{"--file.path=" + file, "--subnets.file=" + subnets}
	if state != "" {
		args = append(args, "--state.path="+state)
	}
	var took []time.Duration
	for range rounds {
		p, err := Start(program, args...)
		if err != nil {
			return 0, err
		}
		took = append(took, p.Ready)
		p.Stop()
	}
	return measure.Median(took), nil
}
