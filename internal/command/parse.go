package command

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

// usageError is an error of the command line or a file that it names: exit
// status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// spellings are the old names of flags that have a new one.
var spellings = map[string]string{
	"stream": "kinesis.stream", "region": "aws.region", "port": "web.listen-address",
	"log_deny": "deny-log.output", "debug": "log.level",
}

// spelling returns the other name of a flag, "" for none.
func spelling(name string) string {
	if other := spellings[name]; other != "" {
		return other
	}
	for old, other := range spellings {
		if other == name {
			return old
		}
	}
	return ""
}

// configure returns what arguments, environment and configuration file tell a
// command, checked as far as that needs no look outside. Its errors are flag.ErrHelp
// and usage errors of one line for each mistake, which names the flag, or the place
// in the file and the key.
func configure(cmd command, args []string, getenv func(string) (string, bool)) (*settings, []string, error) {
	s := &settings{}
	rest, err := s.fill(cmd, args, getenv)
	if errors.Is(err, flag.ErrHelp) {
		return nil, nil, err
	}
	if err == nil {
		err = s.form.locate(errors.Join(s.readFile(), cmd.settle(s, rest)), origin{})
	}
	if err != nil {
		return nil, nil, usageError{errors.New(tell(err))}
	}
	return s, rest, nil
}

// fill fills in what arguments and environment say, and returns the words beside
// the flags.
func (s *settings) fill(cmd command, args []string, getenv func(string) (string, bool)) (rest []string, err error) {
	s.form = newForm(cmd.all(s))
	if rest, err = s.form.parse(args, getenv); err != nil || !cmd.takesFile || len(rest) == 0 {
		return rest, err
	}
	if s.form.given("config.file") {
		return nil, usagef("--config.file and %q are both given; keep one", rest[0])
	}
	s.configFile = rest[0]
	return rest[1:], nil
}

// stray is the error of words that are neither flags nor anything else.
func stray(rest []string) error {
	if len(rest) > 0 {
		return usagef("%q is no command and no flag; see flowlog-exporter help", rest[0])
	}
	return nil
}

// parse fills in what arguments and environment say, and returns what stands between
// and behind the flags. Flags win over the environment, in either spelling.
func (f *form) parse(args []string, getenv func(string) (string, bool)) ([]string, error) {
	rest, err := parseArgs(f.flags, args)
	if err != nil {
		return nil, err
	}
	flags := map[string]bool{}
	f.flags.Visit(func(given *flag.Flag) {
		flags[given.Name] = true
		f.origins[given.Name] = origin{}
	})
	for _, name := range []string{"stream", "region"} {
		if flags[name] && flags[spellings[name]] {
			return nil, usagef("-%s and --%s are both given; keep one", name, spellings[name])
		}
	}
	for _, o := range f.options {
		v, ok := getenv(twin(o.name))
		if !ok || flags[o.name] || flags[spelling(o.name)] || isService(o.name, v) {
			continue
		}
		if err := setAll(f.flags, o.name, v); err != nil {
			return nil, usagef("environment %s=%q: %w", twin(o.name), v, err)
		}
		f.origins[o.name] = origin{variable: twin(o.name)}
	}
	return rest, nil
}

// parseArgs reads flags wherever they stand, up to "--", and returns the rest.
func parseArgs(fs *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			return nil, usagef("%w; see flowlog-exporter help", err)
		}
		read := len(args) - fs.NArg()
		if fs.NArg() == 0 || read > 0 && args[read-1] == "--" {
			return append(rest, fs.Args()...), nil
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
}

// isService tells what Kubernetes sets for a service of the name flowlog from
// the twin of -port.
func isService(name, v string) bool { return name == "port" && strings.Contains(v, "://") }

// setAll gives a flag what a variable says; a list has its values there
// separated by commas.
func setAll(fs *flag.FlagSet, name, v string) error {
	if _, ok := fs.Lookup(name).Value.(repeatable); !ok {
		return fs.Set(name, v)
	}
	for part := range strings.SplitSeq(v, ",") {
		if err := fs.Set(name, part); err != nil {
			return err
		}
	}
	return nil
}

// twin returns the name of the flag's environment variable.
func twin(name string) string {
	return "FLOWLOG_" + strings.Map(func(r rune) rune {
		if r == '.' || r == '-' {
			return '_'
		}
		return r
	}, strings.ToUpper(name))
}

// environment is os.LookupEnv; an empty variable counts as unset.
func environment(name string) (string, bool) {
	v, ok := os.LookupEnv(name)
	return v, ok && v != ""
}
