package command

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/internal/config"
)

// inputName is how an input may be called: it becomes a label.
var inputName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// schema is what the configuration file may hold: what has an option.
func (s *settings) schema() *config.Schema {
	item := &config.Schema{Keys: map[string]config.Kind{"name": config.Value}}
	top := &config.Schema{Keys: map[string]config.Kind{}, Lists: map[string]*config.Schema{"inputs": item}}
	for _, o := range s.form.options {
		switch key := o.place(); {
		case key == "" || spellings[o.name] != "":
		case s.kindOf(key) != "":
			item.Keys[key] = s.form.kind(o.name)
		default:
			top.Keys[key] = s.form.kind(o.name)
		}
	}
	return top
}

// kindOf returns the kind of input that a key belongs to, "" for none.
func (s *settings) kindOf(key string) string {
	section, _, _ := strings.Cut(key, ".")
	for _, r := range s.flagged() {
		if r.kind == section {
			return section
		}
	}
	return ""
}

// readFile fills in what the configuration file says, and lists the inputs: those of
// the file, and those that flags describe beside them.
func (s *settings) readFile() error {
	var wrong []error
	if s.configFile != "" {
		section, mistakes := config.Read(s.configFile, s.schema())
		for _, m := range mistakes {
			wrong = append(wrong, m)
		}
		for _, e := range section.Entries {
			wrong = append(wrong, s.form.enter(s.configFile, e))
		}
		for _, item := range section.Lists["inputs"] {
			wrong = append(wrong, s.readInput(item))
		}
	}
	for _, r := range s.flagged() {
		if r.wanted() && !slices.ContainsFunc(s.inputs, func(other feed) bool { return other.form == s.form && other.kind == r.kind }) {
			s.inputs = append(s.inputs, r)
		}
	}
	err := errors.Join(wrong...)
	s.broken = err != nil
	return err
}

// readInput adds an input of the file. One that has the name of its kind is the one
// that flags and environment describe too: they win.
func (s *settings) readInput(item config.Section) error {
	at := origin{file: s.configFile, at: item.Place}
	mistake := func(format string, args ...any) error {
		return &config.Mistake{Place: at.at, Path: at.file, Text: fmt.Sprintf(format, args...)}
	}
	var kinds []string
	name := ""
	for _, e := range item.Entries {
		if e.Key == "name" {
			name = e.Values[0]
		} else if kind := s.kindOf(e.Key); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) != 1 {
		return mistake("an input is one of kinesis, s3, firehose and file; this one has %s", cmp.Or(strings.Join(kinds, " and "), "none"))
	}
	if name == "" {
		name = kinds[0]
	}
	switch same := func(r feed) bool { return r.name == name }; {
	case !inputName.MatchString(name):
		return mistake("name: %.80q is no name of an input: use up to 64 letters, digits and the characters _ . -", name)
	case slices.ContainsFunc(s.inputs, same):
		return mistake("a second input is called %s; give each a name of its own", name)
	}
	r := s.input(name, kinds[0])
	r.at = at
	s.inputs = append(s.inputs, r)
	var wrong []error
	for _, e := range item.Entries {
		wrong = append(wrong, r.form.enter(s.configFile, e))
	}
	return errors.Join(wrong...)
}

// input returns what an input of the file is filled in.
func (s *settings) input(name, kind string) feed {
	mine, fresh := s.flagged(), new(settings).flagged()
	i := slices.IndexFunc(mine, func(r feed) bool { return r.kind == kind })
	if name == kind {
		return mine[i]
	}
	r := fresh[i]
	r.name, r.form = name, newForm(r.options())
	return r
}
