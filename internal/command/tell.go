package command

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/flowlog-exporter/flowlog-exporter/internal/config"
)

// tell writes down all errors, a line each: mistakes of the file by their place, then
// the others.
func tell(err error) string {
	all := flatten(err)
	slices.SortStableFunc(all, func(a, b error) int {
		x, y := lineOf(a), lineOf(b)
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
	lines := make([]string, len(all))
	for i, one := range all {
		lines[i] = sentence(one.Error())
	}
	return strings.Join(lines, "\n")
}

// lineOf returns the place of a mistake in the file; all others stand behind.
func lineOf(err error) config.Place {
	var m *config.Mistake
	if errors.As(err, &m) {
		return m.Place
	}
	return config.Place{Line: math.MaxInt}
}

// flatten returns the errors that are joined.
func flatten(err error) (all []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, one := range joined.Unwrap() {
		all = append(all, flatten(one)...)
	}
	return all
}

// half is how much is shown of the beginning and of the end of an error that
// repeats a long argument.
const half = 300

// sentence makes a text that repeats arguments fit for a terminal: short, and
// with "?" for what is not printable.
func sentence(text string) string {
	if len(text) > 2*half {
		text = text[:half] + " … " + text[len(text)-half:]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar { // which stands for broken UTF-8
			return r
		}
		return '?'
	}, text)
}
