// Package command is what the user types and what is done about it: commands,
// flags, and the wiring of the rooms. It alone knows every room.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/prometheus/common/version"
)

// The exit statuses.
const (
	exitOK = iota
	exitRuntime
	exitUsage
	exitUnhealthy
)

// errUnhealthy marks what --require-healthy does not bear: exit status 3.
var errUnhealthy = errors.New("not healthy")

// program is what a command may touch of the outside.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) (string, bool)
}

// command is one word of the command line.
type command struct {
	name, usage string
	options     func(*settings) [][]option
	// settle checks what the settings say, as far as that needs no look outside.
	settle func(s *settings, rest []string) error
	run    func(context.Context, *program, *settings, []string) error
}

var commands = []command{
	{"run", "read flow logs and serve metrics (the default)", runOptions, settleRun, run},
	{"replay", "PATH...: count the flow logs in files, folders and s3://BUCKET/PREFIX", replayOptions, settleReplay, replay},
	{"demo", "run on a synthetic VPC, without AWS", demoOptions, settleDemo, demonstrate},
	{"doctor", "check each link of the chain that run would read, and say how to mend it", runOptions, settleRun, examine},
	{"iam", "[s3://BUCKET/PREFIX...]: print the AWS policy that run, or a replay of the paths, needs", iamOptions, settleIAM, printPolicy},
	{"cloudformation", "print the template of the AWS set-up", nil, settleNothing, printTemplate},
	{"version", "print the version", nil, settleNothing, printVersion},
	{"help", "[COMMAND]: print help", nil, nil, nil},
}

// Main runs the command that args name, in this process with its streams, and
// returns the exit status: 0 after a stop by signal, 1 for what failed while it
// ran, 2 for wrong usage or settings, 3 for --require-healthy. It is called once.
func Main(args []string) int {
	// A deny log whose reader went away is lost lines, not the end.
	signal.Ignore(syscall.SIGPIPE)
	p := &program{os.Stdin, os.Stdout, os.Stderr, environment}
	return p.main(context.Background(), args)
}

// main runs the command that args name and returns the exit status.
func (p *program) main(ctx context.Context, args []string) int {
	cmd, args := choose(args)
	if cmd.name == "help" {
		return p.help(args)
	}
	err := p.execute(ctx, cmd, args)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		return p.help([]string{cmd.name})
	}
	fmt.Fprintln(p.stderr, "flowlog-exporter:", err)
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, errUnhealthy):
		return exitUnhealthy
	}
	return exitRuntime
}

// choose returns the command that args begin with, run without one.
func choose(args []string) (command, []string) {
	if len(args) > 0 {
		for _, c := range commands {
			if c.name == args[0] {
				return c, args[1:]
			}
		}
	}
	return commands[0], args
}

func (p *program) execute(ctx context.Context, cmd command, args []string) error {
	s, rest, err := configure(cmd, args, p.getenv)
	if err != nil {
		return err
	}
	return cmd.run(ctx, p, s, rest)
}

func settleNothing(_ *settings, rest []string) error { return stray(rest) }

func printVersion(_ context.Context, p *program, _ *settings, _ []string) error {
	// version.Print would do, but its template keeps the linker from leaving
	// out what is not used: the binary would be four times as large.
	_, err := fmt.Fprintf(p.stdout, "flowlog-exporter %s\n%s\n", version.Info(), version.BuildContext())
	return err
}
