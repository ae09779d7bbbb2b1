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
// to it. It returns how to undo that.
func On(cores int) (undo func()) {
	before, unpin := runtime.GOMAXPROCS(cores), pin(cores)
	return func() {
		unpin()
		runtime.GOMAXPROCS(before)
	}
}

// pin binds the threads of this process to the last of its processors, or to
// all of them when the row wants more than one. It returns how to undo that.
// Where there is no taskset, nothing is bound.
func pin(cores int) (undo func()) {
	all := field("/proc/self/status", "Cpus_allowed_list:")
	if cores > 1 || all == "" {
		return func() {}
	}
	last := all[strings.LastIndexAny(all, ",-")+1:]
	bind(last)
	return func() { bind(all) }
}

// bind asks taskset, for Go has no call for it. Without the tool the scheduler
// decides, as it always does for users.
func bind(cpus string) {
	_ = exec.Command("taskset", "-a", "-c", "-p", cpus, strconv.Itoa(os.Getpid())).Run()
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
