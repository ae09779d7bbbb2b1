package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var schema = &Schema{
	Keys: map[string]Kind{
		"state.path": Value, "state.commit_interval": Value, "web.listen_address": List, "subnets.static": Pairs, "deny_log.output": Value,
	},
	Lists: map[string]*Schema{"inputs": {Keys: map[string]Kind{"name": Value, "kinesis.stream": Value, "kinesis.shards": Value, "s3.allow": List}}},
}

// read writes a file and reads it.
func read(t testing.TB, text string) (*Section, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	section, mistakes := Read(path, schema)
	var all strings.Builder
	for _, m := range mistakes {
		fmt.Fprintln(&all, strings.TrimPrefix(m.Error(), filepath.Dir(path)+"/"))
	}
	return section, all.String()
}

func TestRead(t *testing.T) {
	got, wrong := read(t, `# a comment
inputs:
  - name: prod
    kinesis: {stream: a, shards: 4}
  - s3:
      allow: [x, "y"]
web: {listen_address: ":80"}
subnets:
  static:
    10.0.0.0/8: on-prem
    "2001:db8::/32": "six = 6"
state:
  # path: /nowhere
deny_log: {output: off}
`)
	if wrong != "" {
		t.Fatal(wrong)
	}
	want := &Section{
		Place: Place{2, 1},
		Entries: []Entry{
			{Place{7, 23}, "web.listen_address", []string{":80"}},
			{Place{10, 5}, "subnets.static", []string{"10.0.0.0/8=on-prem", "2001:db8::/32=six = 6"}},
			{Place{14, 20}, "deny_log.output", []string{"off"}},
		},
		Lists: map[string][]Section{"inputs": {
			{Place: Place{3, 5}, Entries: []Entry{
				{Place{3, 11}, "name", []string{"prod"}}, {Place{4, 23}, "kinesis.stream", []string{"a"}}, {Place{4, 34}, "kinesis.shards", []string{"4"}},
			}},
			{Place: Place{5, 5}, Entries: []Entry{{Place{6, 14}, "s3.allow", []string{"x", "y"}}}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestMistakes: all of them are told, with a place and a remedy.
func TestMistakes(t *testing.T) {
	for _, test := range []struct{ name, text, says string }{
		{"empty", "", ""},
		{"nothing but a comment", "# x\n", ""},
		{"several", "stat: {path: x}\nstate:\n  paht: y\n  path: [1]\ninputs:\n  - kinesis: {streem: a}\n", `f.yml:1:1: stat is no key; did you mean state?
f.yml:3:3: state.paht is no key; did you mean state.path?
f.yml:4:9: state.path is one value
f.yml:6:15: kinesis.streem is no key; did you mean kinesis.stream?
`},
		{"elsewhere", "stream: a\n", "f.yml:1:1: stream is no key; did you mean inputs[].kinesis.stream?\n"},
		{"nothing near", "detect: {profile: strict}\n", "f.yml:1:1: detect is no key; here stand deny_log, inputs, state, subnets, web\n"},
		{"twice", "state: {path: a}\nstate: {path: b}\n", "f.yml:2:1: state stands twice, first on line 1; remove one\n"},
		{"a value for a section", "state: /var\n", "f.yml:1:8: state is a section: it holds keys, as commit_interval, path\n"},
		{"the whole is a value", "state\n", "f.yml:1:1: this is a section: it holds keys, as deny_log, inputs, state, subnets, web\n"},
		{"a section for a list", "inputs: {name: a}\n", "f.yml:1:9: inputs is a list: begin each of its sections with -\n"},
		{"no value", "state:\n  path:\n", "f.yml:2:8: state.path has no value; give it one, or leave the key out\n"},
		{"in a list", "web: {listen_address: [\":1\", {}]}\n", "f.yml:1:30: web.listen_address is one value\n"},
		{"for a list", "web: {listen_address: {}}\n", "f.yml:1:23: web.listen_address is one value or a list of them\n"},
		{"pairs", "subnets: {static: [a]}\n", "f.yml:1:19: subnets.static holds names with a value each\n"},
		{"pairs twice", "subnets:\n  static:\n    a: b\n    a: c\n", "f.yml:4:5: subnets.static has a twice, first on line 3; remove one\n"},
		{"alias", "state: {path: &a x}\nweb: {listen_address: *a}\n", `f.yml:1:9: anchors, aliases and merges are not read; write the value out
f.yml:2:7: anchors, aliases and merges are not read; write the value out
`},
		{"merge", "state: {<<: {path: x}}\n", "f.yml:1:9: anchors, aliases and merges are not read; write the value out\n"},
		{"second document", "state: {path: x}\n---\nweb: {}\n", "f.yml:2:1: a second document begins here; the file is one document, without ---\n"},
		{"no YAML", "state: {path: x\n", "f.yml:1: no YAML: did not find expected ',' or '}'\n"},
		{"tab", "state:\n\tpath: x\n", "f.yml:2: no YAML: found character that cannot start any token\n"},
		{"binary", "state: {path: !!binary aGk=}\n", "f.yml:1:15: state.path is text; write it plainly\n"},
		{"large", "#" + strings.Repeat("x", MaxFile), "f.yml: is larger than 1048576 bytes\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, got := read(t, test.text); got != test.says {
				t.Errorf("got\n%swant\n%s", got, test.says)
			}
		})
	}
}

func TestNoFile(t *testing.T) {
	_, mistakes := Read("testdata/nothing.yml", schema)
	if len(mistakes) != 1 || mistakes[0].Error() != "testdata/nothing.yml: can't be read: no such file or directory" {
		t.Errorf("got %v", mistakes)
	}
}

// FuzzRead: whatever the file holds, it is read or its mistakes are told, and
// what is read is in the schema.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"state: {path: x}\n", "inputs:\n  - name: a\n    kinesis: {stream: b}\n", "a: &a [*a]\n", "? {a: b}\n: c\n", "---\n---\n", "state: !!null x\n", "\xff\xfe", "a:\n - - - -\n", "%YAML 1.1\n---\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := reader{path: "f.yml"}
		section := r.parse([]byte(text), schema)
		for _, e := range section.Entries {
			if _, ok := schema.Keys[e.Key]; !ok || e.Line < 1 || e.Column < 1 {
				t.Errorf("read %+v", e)
			}
		}
		for _, m := range r.mistakes {
			if m.Text == "" || m.Line < 0 {
				t.Errorf("told %+v", m)
			}
		}
	})
}
