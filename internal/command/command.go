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

// errUnhealthy marks what --require-healthy and doctor do not bear: exit status 3.
var errUnhealthy = errors.New("not healthy")

// program is what a command may touch of the outside.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) (string, bool)

	// again returns the settings of the command as they are told now.
	again func() (*settings, error)
}

// command is one word of the command line.
type command struct {
	name, usage string
	options     func(*settings) [][]option
	// settle checks what the settings say, as far as that needs no look outside.
	settle func(s *settings, rest []string) error
	run    func(context.Context, *program, *settings, []string) error
	// takesFile says that the first word beside the flags is a --config.file.
	takesFile bool
}

// all returns the options of the command, which fill in s.
func (c command) all(s *settings) (options []option) {
	if c.options != nil {
		for _, group := range c.options(s) {
			options = append(options, group...)
		}
	}
	return options
}

// commands are in the order of help. Some tell of this list, so it is filled at the
// start.
var commands []command

func init() {
	commands = []command{
		{name: "run", usage: "read flow logs and serve metrics (the default)", options: runOptions, settle: settleRun, run: run},
		{name: "check", usage: "[FILE] check the settings, print what they come to", options: runOptions, settle: settleRun, run: check, takesFile: true},
		{name: "replay", usage: "PATH... count flow logs in files and s3://BUCKET/PREFIX", options: replayOptions, settle: settleReplay, run: replay},
		{name: "demo", usage: "run on a synthetic VPC, without AWS", options: demoOptions, settle: settleDemo, run: demonstrate},
		{name: "doctor", usage: "ask each link of the chain, say how to mend what is broken", options: runOptions, settle: settleRun, run: examine},
		{name: "iam", usage: "[PATH...] print the AWS policy that run, or a replay, needs", options: iamOptions, settle: settleIAM, run: printPolicy},
		{name: "cloudformation", usage: "print the template of the AWS set-up", settle: settleNothing, run: printTemplate},
		{name: "fields", usage: "FORMAT what a log format can and cannot answer", settle: settleAny, run: tellFields},
		{name: "dashboard", usage: "[NAME] print a Grafana dashboard, or which there are", settle: settleDashboard, run: printDashboard},
		{name: "alerts", usage: "[replicas] print the rules for Prometheus", settle: settleAlerts, run: printAlerts},
		{name: "completion", usage: "SHELL print completions for bash, zsh or fish", settle: settleShell, run: complete},
		{name: "man", usage: "print the manual page", settle: settleNothing, run: printManual},
		{name: "version", usage: "print the version", settle: settleNothing, run: printVersion},
		{name: "help", usage: "[TOPIC] tell more of a command or topic"},
	}
}

// Main runs the command that args name, in this process with its streams, and
// returns the exit status: 0 after a stop by signal, 1 for what failed while it
// ran, 2 for wrong usage or settings, 3 for --require-healthy and doctor. It is called once.
func Main(args []string) int {
	// A deny log whose reader went away is lost lines, not the end.
	signal.Ignore(syscall.SIGPIPE)
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: environment}
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
	p.again = func() (*settings, error) {
		s, _, err := configure(cmd, args, p.getenv)
		return s, err
	}
	return cmd.run(ctx, p, s, rest)
}

func settleAny(*settings, []string) error { return nil }

func settleNothing(_ *settings, rest []string) error { return stray(rest) }

func printVersion(_ context.Context, p *program, _ *settings, _ []string) error {
	// version.Print would do, but its template keeps the linker from leaving
	// out what is not used: the binary would be four times as large.
	_, err := fmt.Fprintf(p.stdout, "flowlog-exporter %s\n%s\n", version.Info(), version.BuildContext())
	return err
}
