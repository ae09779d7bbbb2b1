package flowlog

import (
	"fmt"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Formats knows in which formats the lines of a log group may be written. It is
// safe for concurrent use and never answers nil. For lines outside of any log
// group logGroup is empty. The answer does not depend on logGroup's bytes later.
type Formats interface {
	For(logGroup []byte) *Set
}

// Set is the formats that a line may have: several flow logs may write to one
// log group. It is immutable and safe for concurrent use. As Formats it is its
// own answer for every log group.
type Set struct {
	formats []*Format
	// quick are those that the plan may be tried of: the first of each number
	// of columns, for only of that it is known that no other comes before it.
	quick []*Format
}

// Fixed returns the set of the given formats; none stands for Default. Of two
// formats with equal columns the first is kept.
func Fixed(formats ...*Format) *Set {
	s := &Set{}
	seen := make(map[string]bool, len(formats))
	for _, f := range formats {
		if !seen[f.text] {
			seen[f.text] = true
			s.formats = append(s.formats, f)
		}
	}
	if len(s.formats) == 0 {
		s.formats = []*Format{Default}
	}
	columns := make(map[int]bool, len(s.formats))
	for _, f := range s.formats {
		if !columns[f.Columns()] {
			columns[f.Columns()] = true
			s.quick = append(s.quick, f)
		}
	}
	return s
}

// For returns the set itself.
func (s *Set) For([]byte) *Set { return s }

// Formats returns the formats in the order in which they are tried.
func (s *Set) Formats() []*Format { return append([]*Format(nil), s.formats...) }

// String describes the formats, as "format with 14 fields: ${version} …".
func (s *Set) String() string {
	var each []string
	for _, f := range s.formats {
		each = append(each, fmt.Sprintf("format with %d fields: %s", f.Columns(), f))
	}
	return strings.Join(each, "; or ")
}

// Parse reads a line in the format that has as many columns. Of several, the
// first wins in which the line is not malformed. See Format.Parse.
func (s *Set) Parse(line []byte, rec *flow.Record) Result {
	if len(s.formats) == 1 || len(line) > MaxLine {
		return s.formats[0].Parse(line, rec)
	}
	n, result := countColumns(line), Mismatch
	for _, f := range s.formats {
		if f.Columns() != n {
			continue
		}
		if result = f.Parse(line, rec); result != Malformed {
			return result
		}
	}
	return result
}
