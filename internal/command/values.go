package command

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"
)

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

// all returns what was given.
func (l *list) all() []string { return *l }

// pairs is a list of names with a value each, as name=value.
type pairs []string

// String implements flag.Value.
func (p *pairs) String() string { return strings.Join(*p, ",") }

// Set implements flag.Value.
func (p *pairs) Set(v string) error {
	if v == "" {
		return nil
	}
	if !strings.Contains(v, "=") {
		return fmt.Errorf("%q is no CIDR=name", v)
	}
	*p = append(*p, v)
	return nil
}

// all returns what was given.
func (p *pairs) all() []string { return *p }

// repeatable is a flag that may have several values.
type repeatable interface{ all() []string }

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

// refusal says in a sentence why a flag does not take a value.
func refusal(f flag.Value, v string, err error) string {
	getter, ok := f.(flag.Getter)
	if !ok {
		return err.Error()
	}
	switch getter.Get().(type) {
	case bool:
		return fmt.Sprintf("%q is neither true nor false", v)
	case int, uint64:
		return fmt.Sprintf("%q is no whole number", v)
	case time.Duration:
		return fmt.Sprintf("%q is no duration: write a number and a unit, as 30s, 5m or 1h", v)
	}
	return err.Error()
}
