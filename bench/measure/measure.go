// Package measure times work on a machine that others use too: all rows of a
// table are interleaved in one run, and what is compared are the ratios of each
// round.
package measure

import (
	"runtime"
	"slices"
	"syscall"
	"time"
)

// Row is one thing that is measured. Each run of it does the same work.
type Row struct {
	Name string
	// Cores is on how many processors it runs; 0 is 1.
	Cores int
	// Records is what one run gets done.
	Records int
	Run     func() error
}

// Sample is what one run of a row took.
type Sample struct {
	// Wall is by the clock; CPU is user and system time of the process.
	Wall, CPU time.Duration
	// Allocs and AllocBytes are what was allocated on the heap.
	Allocs, AllocBytes uint64
}

// Rounds runs every row once per round and returns the samples by row and
// round. The order of the rows is rotated by one each round, and reversed in
// every second, so that none always follows the same one.
func Rounds(rounds int, rows []Row) ([][]Sample, error) {
	out := make([][]Sample, len(rows))
	for _, row := range rows { // once to warm up
		if _, err := Take(row); err != nil {
			return nil, err
		}
	}
	for round := range rounds {
		for i := range rows {
			at := (i + round) % len(rows)
			if round%2 == 1 {
				at = len(rows) - 1 - at
			}
			s, err := Take(rows[at])
			if err != nil {
				return nil, err
			}
			out[at] = append(out[at], s)
		}
	}
	return out, nil
}

// Take runs a row once, with the garbage of what was before cleared away.
func Take(row Row) (Sample, error) {
	defer On(max(row.Cores, 1))()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, wall := CPU(), time.Now()
	err := row.Run()
	s := Sample{Wall: time.Since(wall), CPU: CPU() - cpu}
	runtime.ReadMemStats(&after)
	s.Allocs, s.AllocBytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	return s, err
}

// CPU is the user and system time that this process has used so far.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Median returns the middle value; of an even number the mean of the two.
func Median[T ~int64 | ~float64](list []T) T {
	sorted := slices.Sorted(slices.Values(list))
	if half := len(sorted) / 2; len(sorted)%2 == 0 {
		return (sorted[half-1] + sorted[half]) / 2
	}
	return sorted[len(sorted)/2]
}

// Of returns the median of what f says of each sample.
func Of(samples []Sample, f func(Sample) float64) float64 {
	var list []float64
	for _, s := range samples {
		list = append(list, f(s))
	}
	return Median(list)
}

// Ratio returns the median of what f says of both, a to b, round by round.
func Ratio(a, b []Sample, f func(a, b Sample) float64) float64 {
	var list []float64
	for i := range a {
		list = append(list, f(a[i], b[i]))
	}
	return Median(list)
}
