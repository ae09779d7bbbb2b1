// Package config reads a configuration file strictly: every value with its place,
// and every mistake with a place and what was probably meant.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxFile is how large a file may be, in bytes.
const MaxFile = 1 << 20

// Kind is what a key may hold.
type Kind uint8

const (
	// Value is one text, number or switch.
	Value Kind = iota
	// List is one value or a list of them.
	List
	// Pairs are names with a value each.
	Pairs
)

// Schema is what a section may hold. Keys are dotted paths from the top of the
// section, as "state.path"; no key is the beginning of another.
type Schema struct {
	// Keys hold values.
	Keys map[string]Kind
	// Lists hold sections, any number of each. They stand at the top.
	Lists map[string]*Schema
}

// Place is a place in the file. Both count from 1; 0 is not known.
type Place struct{ Line, Column int }

// Entry is a key that has a value.
type Entry struct {
	Place // of the value
	Key   string
	// Values are one text, those of a list, or "name=value" for pairs.
	Values []string
}

// Section is a part of the file, or the whole of it.
type Section struct {
	Place
	Entries []Entry
	// Lists are the sections of the lists in it, by key.
	Lists map[string][]Section
}

// Mistake is what is wrong at a place of the file.
type Mistake struct {
	Place
	// Path is the file.
	Path string
	// Text is a sentence with the remedy.
	Text string
}

// Error is path:line:column: text, without what is not known.
func (m *Mistake) Error() string {
	at := m.Path
	for _, n := range []int{m.Line, m.Column} {
		if n > 0 {
			at += ":" + strconv.Itoa(n)
		}
	}
	return at + ": " + m.Text
}

// Read reads the file. Mistakes are all that is wrong with it, in the order of
// the file; what is read besides is still of use to find more. A file that can't
// be read is one mistake.
func Read(path string, schema *Schema) (*Section, []*Mistake) {
	r := reader{path: path}
	text, err := load(path)
	if err != nil {
		r.wrong(Place{}, "%v", err)
		return &Section{}, r.mistakes
	}
	return r.parse(text, schema), r.mistakes
}

func load(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", innermost(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", innermost(err))
	}
	if len(text) > MaxFile {
		return nil, fmt.Errorf("is larger than %d bytes", MaxFile)
	}
	return text, nil
}

// innermost leaves out the path, which the mistake has anyway.
func innermost(err error) error {
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	return err
}

// reader collects the mistakes of a file.
type reader struct {
	path     string
	mistakes []*Mistake
}

func (r *reader) wrong(at Place, format string, args ...any) {
	r.mistakes = append(r.mistakes, &Mistake{at, r.path, fmt.Sprintf(format, args...)})
}

// parse reads one document. An empty one says nothing, which is allowed.
func (r *reader) parse(text []byte, schema *Schema) *Section {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	switch err := decode(decoder, &document); {
	case errors.Is(err, io.EOF):
		return &Section{}
	case err != nil:
		r.syntax(err)
		return &Section{}
	}
	if err := decode(decoder, &second); err == nil {
		r.wrong(placeOf(&second), "a second document begins here; the file is one document, without ---")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	top := document.Content[0]
	section := &Section{Place: placeOf(top)}
	r.section(section, top, &scope{schema: schema})
	return section
}

// decode reads the next document. The library tells of broken text by a panic of
// its own in rare places; none may end the program.
func decode(decoder *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if failed := recover(); failed != nil {
			err = fmt.Errorf("yaml: %v", failed)
		}
	}()
	return decoder.Decode(into)
}

// line finds the line in what the library says.
var line = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

// syntax notes that the text is no YAML. What follows can't be read.
func (r *reader) syntax(err error) {
	text, at := err.Error(), Place{}
	if found := line.FindStringSubmatch(text); found != nil {
		text = found[2]
		at.Line, _ = strconv.Atoi(found[1])
	}
	r.wrong(at, "no YAML: %s", strings.Join(strings.Fields(text), " "))
}

func placeOf(n *yaml.Node) Place { return Place{n.Line, n.Column} }
