// Package doctor asks each link of the chain, from the credentials to the newest
// flow log record, whether it holds, and says how to mend it. It changes nothing.
package doctor

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Check is one link of the chain.
type Check struct {
	// Name stands in front of what was found.
	Name string
	// Of is the input that it is about, or the region, where there are several.
	Of string
	// Needs are checks before this one, as Key has them: where one of them is broken,
	// or was not made for that reason, there is nothing to ask.
	Needs []string
	// Ask finds out how it stands. Its context ends with the deadline.
	Ask func(ctx context.Context) Finding
}

// Key is the name of the check with what it is about.
func (c Check) Key() string { return key(c.Name, c.Of) }

func key(name, of string) string {
	if of == "" {
		return name
	}
	return name + " of " + of
}

// Finding is how a link stands.
type Finding struct {
	state state
	text  string
	// repair is what helps, where the text does not say so itself.
	repair string
	// idle says that it was not looked at because of another one.
	idle bool
}

type state byte

const (
	broken state = iota
	passed
	skipped
)

// Passed is a link that holds.
func Passed(format string, args ...any) Finding {
	return Finding{state: passed, text: fmt.Sprintf(format, args...)}
}

// Skipped is a link that was not looked at, and why.
func Skipped(format string, args ...any) Finding {
	return Finding{state: skipped, text: fmt.Sprintf(format, args...)}
}

// Broken is a link that does not hold. The error of it says what helps, or repair
// does.
func Broken(err error, repair string) Finding {
	return Finding{state: broken, text: err.Error(), repair: repair}
}

// deadline is how long one check may take.
const deadline = 10 * time.Second

// width is how wide the names of checks are.
const width = 14

// Examine makes the checks in their order, writes a line or two for each, and
// reports whether nothing is broken.
func Examine(ctx context.Context, w io.Writer, checks []Check) (sound bool) {
	sound = true
	unmet := make(map[string]bool, len(checks))
	for _, c := range checks {
		if ctx.Err() != nil {
			return false
		}
		f := c.ask(ctx, unmet)
		unmet[c.Key()] = f.state == broken || f.idle
		sound = sound && f.state != broken
		f.write(w, c.Name, c.Of)
	}
	return sound
}

// ask bounds the check in time, also one that does not look at its context.
func (c Check) ask(ctx context.Context, unmet map[string]bool) Finding {
	for _, name := range c.Needs {
		if unmet[name] {
			f := Skipped("needs: %s", name)
			f.idle = true
			return f
		}
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	found := make(chan Finding, 1)
	go func() { found <- c.Ask(ctx) }()
	select {
	case f := <-found:
		return f
	case <-ctx.Done():
	}
	select {
	case f := <-found: // it has words of its own for that
		return f
	case <-time.After(time.Second):
		return Broken(fmt.Errorf("no answer within %v", deadline), "")
	}
}

func (f Finding) write(w io.Writer, name, of string) {
	mark := map[state]string{broken: "✗", passed: "✓", skipped: "–"}[f.state]
	space := strings.Repeat(" ", max(1, width-utf8.RuneCountInString(name)))
	if of != "" {
		of += ": "
	}
	fmt.Fprintf(w, "%s %s%s%s%s\n", mark, name, space, of, oneLine(f.text))
	if f.repair != "" {
		fmt.Fprintf(w, "  %s→ %s\n", strings.Repeat(" ", width), oneLine(f.repair))
	}
}

// oneLine keeps the table a table.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
