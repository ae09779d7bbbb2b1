package command

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// help prints the commands, or the flags of the one named, and returns the exit
// status.
func (p *program) help(topic []string) int {
	if len(topic) == 0 {
		p.printCommands()
		return exitOK
	}
	for _, c := range commands {
		if c.name == topic[0] {
			printFlags(p.stdout, c)
			return exitOK
		}
	}
	fmt.Fprintf(p.stderr, "flowlog-exporter: no help on %q; topics are the commands\n", topic[0])
	return exitUsage
}

func (p *program) printCommands() {
	fmt.Fprint(p.stdout, `flowlog-exporter reads Amazon VPC flow logs and exports them to Prometheus.

  flowlog-exporter -stream vpc-flow-logs -region eu-west-1
  flowlog-exporter demo

Commands:
`)
	for _, c := range commands {
		fmt.Fprintf(p.stdout, "  %-15s%s\n", c.name, c.usage)
	}
	fmt.Fprint(p.stdout, `
flowlog-exporter help COMMAND lists its flags. Each flag has an environment
twin: --kinesis.stream is FLOWLOG_KINESIS_STREAM; the flag wins.
Exit status: 0 stopped by signal, 1 failed, 2 wrong usage, 3 --require-healthy or doctor.
`)
}

// printFlags prints one command with its flags, a group a paragraph.
func printFlags(w io.Writer, c command) {
	fmt.Fprintf(w, "flowlog-exporter %s: %s\n", c.name, c.usage)
	if c.options == nil {
		return
	}
	var s settings
	for _, group := range c.options(&s) {
		fmt.Fprintln(w)
		for _, o := range group {
			printFlag(w, o)
		}
	}
}

func printFlag(w io.Writer, o option) {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	o.register(fs, o.name, o.usage)
	f := fs.Lookup(o.name)
	argument, usage := flag.UnquoteUsage(f)
	left := strings.TrimSpace("--" + o.name + " " + argument)
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
		usage += " (default " + f.DefValue + ")"
	}
	if len(left) > 32 {
		fmt.Fprintf(w, "  %s\n  %-33s%s\n", left, "", usage)
		return
	}
	fmt.Fprintf(w, "  %-33s%s\n", left, usage)
}
