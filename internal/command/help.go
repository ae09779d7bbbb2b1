package command

import (
	"embed"
	"flag"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/internal/nearest"
)

//go:embed topics
var topicFiles embed.FS

// topics are the texts of help beside the commands, in the order of their names.
func topics() (names []string) {
	files, _ := topicFiles.ReadDir("topics") // it is in the program
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".txt"))
	}
	return names
}

// topic returns the text of a topic; false when there is none.
func topic(name string) (string, bool) {
	if strings.ContainsAny(name, "/\\") {
		return "", false
	}
	text, err := topicFiles.ReadFile(path.Join("topics", name+".txt"))
	return string(text), err == nil
}

// help prints the commands, the flags of the one named, or a topic, and returns the
// exit status.
func (p *program) help(about []string) int {
	if len(about) == 0 {
		p.printCommands()
		return exitOK
	}
	for _, c := range commands {
		if c.name == about[0] {
			printFlags(p.stdout, c)
			return exitOK
		}
	}
	if text, ok := topic(about[0]); ok {
		fmt.Fprint(p.stdout, text)
		return exitOK
	}
	fmt.Fprintf(p.stderr, "flowlog-exporter: no help on %q", sentence(about[0]))
	if near := nearest.To(about[0], append(commandNames(), topics()...)); near != "" {
		fmt.Fprintf(p.stderr, "; did you mean %s?", near)
	}
	fmt.Fprintf(p.stderr, "\nThere is help on the commands and on %s.\n", strings.Join(topics(), ", "))
	return exitUsage
}

// commandNames are the commands in their order.
func commandNames() (names []string) {
	for _, c := range commands {
		names = append(names, c.name)
	}
	return names
}

// printCommands prints what fits a screen.
func (p *program) printCommands() {
	fmt.Fprint(p.stdout, `Reads Amazon VPC flow logs and exports them to Prometheus.

  flowlog-exporter -stream vpc-flow-logs -region eu-west-1

`)
	for _, c := range commands {
		fmt.Fprintf(p.stdout, "  %-15s%s\n", c.name, c.usage)
	}
	fmt.Fprintf(p.stdout, `
help COMMAND lists its flags; --kinesis.stream is also FLOWLOG_KINESIS_STREAM.
More with help and one of: %s
`, wrapped(topics()))
}

// screen is how wide and high a terminal is at least.
const screenWidth, screenHeight = 80, 24

// wrapped joins words so that the line of "More with help" fits a terminal.
func wrapped(words []string) string {
	text, width := "", len("More with help and one of: ")
	for i, word := range words {
		switch {
		case i == 0:
		case width+1+len(word) > screenWidth:
			text, width = text+"\n  ", 2
		default:
			text, width = text+" ", width+1
		}
		text, width = text+word, width+len(word)
	}
	return text
}

// printFlags prints one command with its flags, a group a paragraph.
func printFlags(w io.Writer, c command) {
	fmt.Fprintf(w, "flowlog-exporter %s: %s\n", c.name, c.usage)
	if c.options == nil {
		return
	}
	for _, group := range c.options(&settings{}) {
		fmt.Fprintln(w)
		for _, o := range group {
			printFlag(w, o)
		}
	}
}

func printFlag(w io.Writer, o option) {
	d := o.describe()
	left, usage := strings.TrimSpace("--"+o.name+" "+d.argument), d.usage
	if d.value != "" {
		usage += " (default " + d.value + ")"
	}
	if len(left) > 32 {
		fmt.Fprintf(w, "  %s\n  %-33s%s\n", left, "", usage)
		return
	}
	fmt.Fprintf(w, "  %-33s%s\n", left, usage)
}

// description is an option in words.
type description struct {
	argument string // what is written behind it, "" for a switch
	usage    string
	value    string // the default, "" when there is nothing to tell
}

func (o option) describe() (d description) {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	o.register(fs, o.name, o.usage)
	f := fs.Lookup(o.name)
	d.argument, d.usage = flag.UnquoteUsage(f)
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
		d.value = f.DefValue
	}
	return d
}
