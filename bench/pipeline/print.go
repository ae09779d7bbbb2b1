package main

import (
	"fmt"
	"io"
	"math"
)

func (f figures) print(out io.Writer) {
	mega := func(rate float64) string {
		if rate == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f M records/s, %.0f ns a record", rate/1e6, math.Round(1e9/rate))
	}
	fmt.Fprintf(out, "%s, %d records in %d bodies, medians of %d rounds\n", f.File, f.Records, f.Bodies, f.Rounds)
	fmt.Fprintf(out, "pipeline, one core        %s by CPU time (%s by the clock)\n", mega(f.Rate), mega(f.RateWall))
	fmt.Fprintf(out, "klauspost inflates only   %s; the pipeline is %.2f times as fast\n", mega(f.InflateOnly), f.XInflate)
	fmt.Fprintf(out, "reference                 %s; the pipeline is %.1f times as fast\n", mega(f.Reference), f.XReference)
	fmt.Fprintf(out, "two cores                 %.2f times one by the clock; the same work takes %.2f times the CPU time\n", f.TwoCore, f.TwoCoreCost)
	fmt.Fprintf(out, "allocations               %.5f a record, %.3f a body, %.3f bytes a record\n", f.Allocs, f.AllocsBody, f.AllocatedBPR)
	fmt.Fprintf(out, "peak memory               %.1f MiB\n", float64(f.MaxRSS)/(1<<20))
}
