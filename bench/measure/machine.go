package measure

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// On lets this process run on so many processors: on one by GOMAXPROCS and bound
// to the last of its processors, on more by GOMAXPROCS alone. It returns how to
// undo that. Where there is no taskset, nothing is bound.
func On(cores int) (undo func()) {
	before, all := runtime.GOMAXPROCS(cores), processors()
	if cores > 1 || len(all) < 2 {
		return func() { runtime.GOMAXPROCS(before) }
	}
	bind(all[len(all)-1:])
	return func() {
		bind(all)
		runtime.GOMAXPROCS(before)
	}
}

// Apart shares the processors out: a program that command starts has the last
// one for itself, and this process those before it, until undo. It is not ok on
// one processor and without taskset: then both run on all there are.
func Apart(program string) (command []string, undo func(), ok bool) {
	all := processors()
	if len(all) < 2 || !bind(all[:len(all)-1]) {
		return []string{program}, func() {}, false
	}
	before := runtime.GOMAXPROCS(len(all) - 1)
	return []string{taskset, "-c", all[len(all)-1], program}, func() {
		bind(all)
		runtime.GOMAXPROCS(before)
	}, true
}

// processors are the numbers of those that this process may run on; none where
// that can't be known.
func processors() []string { return expand(field("/proc/self/status", "Cpus_allowed_list:")) }

// expand lists the numbers of a text as "0-2,5"; none when it is not such a text.
func expand(text string) (list []string) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, errFirst := strconv.Atoi(first)
		to, errLast := strconv.Atoi(last)
		if errFirst != nil || errLast != nil {
			return nil
		}
		for n := from; n <= to; n++ {
			list = append(list, strconv.Itoa(n))
		}
	}
	return list
}

const taskset = "taskset"

// bind binds the threads of this process to some processors, and reports whether
// it could. It asks taskset, for Go has no call for it.
func bind(cpus []string) bool {
	_ = exec.Command(taskset, "-a", "-c", "-p", strings.Join(cpus, ","), strconv.Itoa(os.Getpid())).Run()
	return slices.Equal(processors(), cpus)
}

// field returns what follows a name in a file of "name value" lines.
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// PeakRSS returns the most memory that this process had resident, in bytes.
func PeakRSS() uint64 {
	if kib, _, ok := strings.Cut(field("/proc/self/status", "VmHWM:"), " "); ok {
		if n, err := strconv.ParseUint(kib, 10, 64); err == nil {
			return n << 10
		}
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return uint64(u.Maxrss) << 10
}
