package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/internal/config"
)

// form is options with what was filled in: by flags, else by the environment, else
// by the configuration file.
type form struct {
	options []option
	flags   *flag.FlagSet
	// origins are where values come from, by the name of the option; those that
	// are not in it have their default.
	origins map[string]origin
	// refused are the options that did not take what the file says.
	refused map[string]bool
}

// origin is where a value comes from: a flag, a variable of the environment, or a
// place in the file.
type origin struct {
	variable string
	file     string
	at       config.Place
}

func (o origin) String() string {
	switch {
	case o.file != "":
		return fmt.Sprintf("%s:%d", o.file, o.at.Line)
	case o.variable != "":
		return o.variable
	}
	return "flag"
}

func newForm(options []option) *form {
	f := &form{options: options, flags: flag.NewFlagSet("flowlog-exporter", flag.ContinueOnError), origins: map[string]origin{}, refused: map[string]bool{}}
	f.flags.SetOutput(io.Discard)
	f.flags.Usage = func() {}
	for _, o := range options {
		o.register(f.flags, o.name, o.usage)
	}
	return f
}

// given reports whether an option has a value, in either spelling.
func (f *form) given(name string) bool {
	_, ok := f.origins[name]
	_, other := f.origins[spelling(name)]
	return ok || other
}

// option returns the option of a key, in its new spelling.
func (f *form) option(key string) (option, bool) {
	for _, o := range f.options {
		if spellings[o.name] == "" && o.place() == key {
			return o, true
		}
	}
	return option{}, false
}

// values are the values of an option as texts.
func (f *form) values(name string) []string {
	v := f.flags.Lookup(name).Value
	if r, ok := v.(repeatable); ok {
		return r.all()
	}
	return []string{v.String()}
}

// kind is what the option's key holds.
func (f *form) kind(name string) config.Kind {
	switch f.flags.Lookup(name).Value.(type) {
	case *list:
		return config.List
	case *pairs:
		return config.Pairs
	}
	return config.Value
}

// enter fills in what the file says, unless flag or environment have said it.
func (f *form) enter(file string, e config.Entry) error {
	o, ok := f.option(e.Key)
	if !ok || f.given(o.name) {
		return nil
	}
	f.origins[o.name] = origin{file: file, at: e.Place}
	for _, v := range e.Values {
		if err := f.flags.Set(o.name, v); err != nil {
			f.refused[o.name] = true
			return &config.Mistake{Place: e.Place, Path: file, Text: e.Key + ": " + refusal(f.flags.Lookup(o.name).Value, v, err)}
		}
	}
	return nil
}

// wrong is what is wrong with the value of an option: it reads --option and text.
type wrong struct{ option, text string }

func (w *wrong) Error() string {
	if _, old := spellings[w.option]; old || w.option == "shards" {
		return "-" + w.option + w.text
	}
	return "--" + w.option + w.text
}

func wrongf(option, format string, args ...any) error {
	return &wrong{option, fmt.Sprintf(format, args...)}
}

// mention is a flag within a sentence.
var mention = regexp.MustCompile(`--[a-z0-9][a-z0-9.-]*[a-z0-9]`)

// locate turns what is wrong with a value of the file into a mistake at its place,
// in the words of the file. What is missing is missed at the given place, if any.
func (f *form) locate(err error, missing origin) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, f.locate(one, missing))
		}
		return errors.Join(all...)
	}
	var w *wrong
	if !errors.As(err, &w) {
		return err
	}
	if f.refused[w.option] { // what it has instead is no matter
		return nil
	}
	from, ok := f.origins[w.option]
	if !ok {
		from = missing
	}
	if from.file == "" {
		return err
	}
	text := mention.ReplaceAllStringFunc("--"+w.option+w.text, func(flag string) string { return f.keyOf(strings.TrimPrefix(flag, "--")) })
	return &config.Mistake{Place: from.at, Path: from.file, Text: text}
}

// keyOf returns the key of an option, or the flag where there is none.
func (f *form) keyOf(name string) string {
	for _, o := range f.options {
		if o.name == name && o.place() != "" {
			return o.place()
		}
	}
	return "--" + name
}
