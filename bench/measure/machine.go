package measure

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// On lets this process run on so many processors, on one by GOMAXPROCS and bound
// to the last one. It returns how to undo that.
func On(cores int) (undo func()) {
	if all := processors(); cores == 1 && len(all) > 0 {
		return on(all[len(all)-1:], all)
	}
	before := runtime.GOMAXPROCS(cores)
	return func() { runtime.GOMAXPROCS(before) }
}

// Beside lets this process run on all processors but the last, for a program
// that Alone starts. It returns how to undo that.
func Beside() (undo func()) {
	all := processors()
	if len(all) < 2 {
		return func() {}
	}
	return on(all[:len(all)-1], all)
}

// Alone is the command that runs a program on the last processor and nowhere
// else, where there are several and the tool for it.
func Alone(program string) []string {
	all := processors()
	if _, err := exec.LookPath(taskset); err != nil || len(all) < 2 {
		return []string{program}
	}
	return []string{taskset, "-c", all[len(all)-1], program}
}

// on binds the threads of this process to some of all its processors.
func on(some, all []string) (undo func()) {
	before := runtime.GOMAXPROCS(len(some))
	bind(some)
	return func() {
		bind(all)
		runtime.GOMAXPROCS(before)
	}
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
		from, err := strconv.Atoi(first)
		if err != nil {
			return nil
		}
		to, err := strconv.Atoi(last)
		if err != nil {
			return nil
		}
		for n := from; n <= to; n++ {
			list = append(list, strconv.Itoa(n))
		}
	}
	return list
}

const taskset = "taskset"

// bind asks taskset, for Go has no call for it. Without the tool the scheduler
// decides, as it always does for users.
func bind(cpus []string) {
	_ = exec.Command(taskset, "-a", "-c", "-p", strings.Join(cpus, ","), strconv.Itoa(os.Getpid())).Run()
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
