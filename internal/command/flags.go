package command

import (
	"flag"
	"strings"
	"time"
)

// option is one flag of the command line. Its environment twin is FLOWLOG_ and
// the name in upper case, other characters replaced by "_".
type option struct {
	name, usage string
	register    func(fs *flag.FlagSet, name, usage string)
	// key is its place in the configuration file where the rule of place does
	// not say it.
	key string
	// live says that a reload changes it; the others need a restart.
	live bool
	// words are values that it may have; a word that ends in ":" is followed by
	// what the user likes.
	words []string
}

// noKey is the key of an option that has no place in the file.
const noKey = "-"

// at returns the option with a place of its own.
func (o option) at(key string) option { o.key = key; return o }

// alive returns the option as one that a reload changes.
func (o option) alive() option { o.live = true; return o }

// oneOf returns the option as one with such values.
func (o option) oneOf(words ...string) option { o.words = words; return o }

// place is the option's key in the configuration file, "" for none. Old spellings
// have that of the new one.
func (o option) place() string {
	switch name := o.name; {
	case o.key == noKey:
		return ""
	case o.key != "":
		return o.key
	case spellings[name] != "":
		return option{name: spellings[name]}.place()
	default:
		return strings.ReplaceAll(name, "-", "_")
	}
}

func text(p *string, name, value, usage string) option {
	return option{name: name, usage: usage, register: func(fs *flag.FlagSet, name, usage string) { fs.StringVar(p, name, value, usage) }}
}

func number(p *int, name string, value int, usage string) option {
	return option{name: name, usage: usage, register: func(fs *flag.FlagSet, name, usage string) { fs.IntVar(p, name, value, usage) }}
}

func duration(p *time.Duration, name string, value time.Duration, usage string) option {
	return option{name: name, usage: usage, register: func(fs *flag.FlagSet, name, usage string) { fs.DurationVar(p, name, value, usage) }}
}

func toggle(p *bool, name, usage string) option {
	return option{name: name, usage: usage, register: func(fs *flag.FlagSet, name, usage string) { fs.BoolVar(p, name, false, usage) }}
}

func value(p flag.Value, name, usage string) option {
	return option{name: name, usage: usage, register: func(fs *flag.FlagSet, name, usage string) { fs.Var(p, name, usage) }}
}
