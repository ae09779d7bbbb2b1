package judge

import (
	"fmt"
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
)

// TestProductEqualsOracle counts corpora of five seeds in every format and both
// deliveries. Envelopes are of all sizes, from one event to more than a block.
func TestProductEqualsOracle(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed+1), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := corpus.Options{Seed: seed + 1, Records: 12, MinEvents: 1, MaxEvents: 150, BadShare: 0.03, Level: 6, S3Bytes: 200 << 10}
			if seed == 4 {
				o.Records, o.MinEvents, o.MaxEvents = 2, 1500, 1600
			}
			if _, err := corpus.Write(dir, o); err != nil {
				t.Fatal(err)
			}
			for _, file := range Files {
				records, err := Equal(dir, file)
				if err != nil {
					t.Error(err)
				}
				if err == nil && records == 0 {
					t.Errorf("%s: nothing was counted", file)
				}
			}
		})
	}
}
