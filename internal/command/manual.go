package command

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/version"
)

// printManual prints the manual page, for man to read: man -l <(flowlog-exporter man).
func printManual(_ context.Context, p *program, _ *settings, _ []string) error {
	m := manual{p.stdout}
	m.line(".TH FLOWLOG\\-EXPORTER 1 \"%s\" %s", buildDay(), macro("flowlog-exporter "+version.Version))
	m.line(".SH NAME")
	m.line("flowlog\\-exporter \\- reads Amazon VPC flow logs and exports them to Prometheus")
	m.line(".SH SYNOPSIS")
	for i, c := range commands {
		if i > 0 {
			m.line(".br")
		}
		m.line(".B flowlog\\-exporter")
		if c.name == "run" {
			m.line("[run] [FLAG...]")
		} else {
			m.line("%s", roff(strings.TrimSpace(c.name+" "+c.arguments())))
		}
	}
	m.line(".SH COMMANDS")
	for _, c := range commands {
		m.line(".TP")
		m.line(".B %s", roff(c.name))
		m.line("%s", roff(strings.TrimSpace(strings.TrimPrefix(c.usage, c.arguments()))))
	}
	for _, c := range commands {
		m.options(c)
	}
	for _, name := range topics() {
		text, _ := topic(name)
		m.topic(text)
	}
	m.line(".SH SEE ALSO")
	m.line(".BR prometheus (1)")
	return nil
}

// arguments are the words in capitals at the beginning of the usage.
func (c command) arguments() string {
	first, _, _ := strings.Cut(c.usage, " ")
	if strings.ToUpper(first) == first {
		return first
	}
	return ""
}

// manual writes roff.
type manual struct{ w io.Writer }

func (m manual) line(format string, args ...any) { fmt.Fprintf(m.w, format+"\n", args...) }

// alike are the commands that have the options of run, beside own ones.
var alike = []string{"check", "doctor", "iam"}

// options writes the flags of a command, of those that are like run their own ones.
func (m manual) options(c command) {
	if c.options == nil {
		return
	}
	groups := c.options(&settings{})
	if slices.Contains(alike, c.name) {
		groups = groups[:len(groups)-len(runOptions(&settings{}))]
	}
	if len(groups) == 0 {
		return
	}
	m.line(".SH %s", macro("OPTIONS OF "+strings.ToUpper(c.name)))
	if slices.Contains(alike, c.name) {
		m.line("Beside those of run:")
	}
	for _, group := range groups {
		for _, o := range group {
			d := o.describe()
			m.line(".TP")
			if d.argument == "" {
				m.line(".B %s", roff(o.dashed()))
			} else {
				m.line(".BI %s %s", macro(o.dashed()+" "), macro(d.argument))
			}
			usage := d.usage
			if d.value != "" {
				usage += " (default " + d.value + ")"
			}
			m.line("%s", roff(usage))
		}
	}
}

// topic writes a text of help: its first word is the title, indented lines stay as
// they are.
func (m manual) topic(text string) {
	title, _, _ := strings.Cut(text, ":")
	m.line(".SH %s", macro(strings.ToUpper(title)))
	literal, gap := false, false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		indented := strings.HasPrefix(line, "  ")
		if line == "" {
			gap = true
			continue
		}
		if literal && !indented {
			m.line(".fi")
		}
		if gap {
			m.line(".PP")
		}
		if indented && !literal {
			m.line(".nf")
		}
		m.line("%s", roff(line))
		literal, gap = indented, false
	}
	if literal {
		m.line(".fi")
	}
}

// buildDay is when the program was built, as far as it knows.
func buildDay() string {
	day, _, _ := strings.Cut(version.BuildDate, "-")
	if at, err := time.Parse("20060102", day); err == nil {
		return at.Format(time.DateOnly)
	}
	return ""
}

// roff makes text plain for roff.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		return `\&` + text
	}
	return text
}

// macro is a text as the argument of a macro.
func macro(text string) string { return `"` + strings.ReplaceAll(roff(text), `"`, `\(dq`) + `"` }
