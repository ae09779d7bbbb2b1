package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
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

// configure returns what arguments and environment tell a command, checked as far
// as that needs no look outside. Its errors are flag.ErrHelp and usage errors of
// one line that name the flag.
func configure(cmd command, args []string, getenv func(string) (string, bool)) (*settings, []string, error) {
	var s settings
	var options []option
	if cmd.options != nil {
		for _, group := range cmd.options(&s) {
			options = append(options, group...)
		}
	}
	rest, err := parse(options, args, getenv)
	if err == nil {
		err = cmd.settle(&s, rest)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil, nil, err
	case err != nil:
		return nil, nil, usagef("%s", sentence(err.Error()))
	}
	return &s, rest, nil
}

// stray is the error of words that are neither flags nor anything else.
func stray(rest []string) error {
	if len(rest) > 0 {
		return usagef("%q is no command and no flag; see flowlog-exporter help", rest[0])
	}
	return nil
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

// parse reads arguments and environment into the settings that options name,
// and returns what stands between and behind the flags. Flags win over the
// environment, in either spelling.
func parse(options []option, args []string, getenv func(string) (string, bool)) ([]string, error) {
	fs := flag.NewFlagSet("flowlog-exporter", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	for _, o := range options {
		o.register(fs, o.name, o.usage)
	}
	rest, err := parseArgs(fs, args)
	if err != nil {
		return nil, err
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for _, name := range []string{"stream", "region"} {
		if given[name] && given[spellings[name]] {
			return nil, usagef("-%s and --%s are both given; keep one", name, spellings[name])
		}
	}
	for _, o := range options {
		v, ok := getenv(twin(o.name))
		if !ok || given[o.name] || given[spelling(o.name)] || isService(o.name, v) {
			continue
		}
		if err := setAll(fs, o.name, v); err != nil {
			return nil, usagef("environment %s=%q: %w", twin(o.name), v, err)
		}
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
	if _, ok := fs.Lookup(name).Value.(*list); !ok {
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

// list is a flag that may be given more than once.
type list []string

// String implements flag.Value.
func (l *list) String() string { return strings.Join(*l, ",") }

// Set implements flag.Value.
func (l *list) Set(v string) error {
	if v != "" {
		*l = append(*l, v)
	}
	return nil
}

// size is a number of bytes with a unit.
type size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// String implements flag.Value.
func (s *size) String() string {
	for _, u := range sizeUnits {
		if n := int64(*s); n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return "0B"
}

// Set implements flag.Value.
func (s *size) Set(v string) error {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(v, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 32)
		if err != nil || n <= 0 || n > (1<<40)/u.bytes {
			break
		}
		*s = size(n * u.bytes)
		return nil
	}
	return fmt.Errorf("%q is no size: write a number and B, KiB, MiB or GiB, as 64MiB", v)
}

// environment is os.LookupEnv; an empty variable counts as unset.
func environment(name string) (string, bool) {
	v, ok := os.LookupEnv(name)
	return v, ok && v != ""
}
