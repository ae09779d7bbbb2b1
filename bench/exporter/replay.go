package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// Replayed is what a replay of text took.
type Replayed struct {
	Objects, Records, Cores int
	Text                    int64 // bytes, decompressed
	// Wall and CPU include the start and the result.
	Wall, CPU time.Duration
	// RSS is the most memory that was resident until the result began.
	RSS uint64
}

// Replay lets the program replay a folder with a result that is longer than what
// a pipe takes: while nobody reads on, the program waits, and can be looked at.
func Replay(program, subnets, dir string) (r Replayed, err error) {
	cmd := exec.Command(program, "replay", "--output=openmetrics", "--subnets.file="+subnets, "--log.level=error", dir)
	cmd.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return r, err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return r, err
	}
	first := make([]byte, 1)
	if _, err = io.ReadFull(out, first); err == nil {
		r.RSS = (&Process{cmd: cmd}).PeakRSS()
		_, err = io.Copy(io.Discard, out)
	}
	if err = errors.Join(err, cmd.Wait()); err == nil && r.RSS == 0 {
		err = errors.New("its memory was not seen")
	}
	if err != nil {
		return r, fmt.Errorf("replay: %w\n%s", err, complaint.String())
	}
	r.Wall, r.Cores = time.Since(begun), runtime.GOMAXPROCS(0)
	r.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return r, nil
}
