package command

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/config"
)

// written returns the path of a configuration file.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flowlog.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fromFile returns what run makes of a file, arguments and variables.
func fromFile(t *testing.T, text string, env map[string]string, args ...string) (*settings, error) {
	t.Helper()
	return settledIn(env, append(args, "--config.file", written(t, text))...)
}

// TestOrder: a flag wins over the environment, that over the file, that over the
// default, in the old spelling and the new one.
func TestOrder(t *testing.T) {
	const file = "state: {path: file}\nlog: {level: warn}\naws: {region: eu-west-3}\ninputs: [{kinesis: {stream: file, start: trim_horizon}}]\ndeny_log: {rate: 7}\n"
	env := map[string]string{"FLOWLOG_STATE_PATH": "env", "FLOWLOG_DEBUG": "true", "FLOWLOG_STREAM": "env"}
	s, err := fromFile(t, file, env, "--state.path", "flag", "-region", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{s.statePath, s.logLevel, s.region, s.kinesis.stream, s.kinesis.start, s.denyFormat}
	if want := []string{"flag", "debug", "eu-west-1", "env", "trim_horizon", "json"}; !slices.Equal(got, want) || s.denyRate != 7 {
		t.Errorf("got %q, want %q, rate %d", got, want, s.denyRate)
	}
	if got := s.sources(); !slices.Equal(got, []string{"kinesis"}) {
		t.Errorf("inputs %q: the flag describes that of the file", got)
	}
}

// TestInputsOfTheFile: any number of each kind, each with its own settings, and those
// that flags describe beside them.
func TestInputsOfTheFile(t *testing.T) {
	s, err := fromFile(t, `
inputs:
  - name: prod
    kinesis: {stream: a, poll_interval: 2s, shards: 4}
  - name: test
    kinesis: {stream: b}
  - s3: {queue_url: "https://sqs.eu-west-1.amazonaws.com/123456789012/q", allow: [xyz, abc/d]}
`, nil, "--file.path", "a.log", "--s3.workers", "3")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.sources(); !slices.Equal(got, []string{"prod", "test", "s3", "file"}) {
		t.Fatalf("inputs %q", got)
	}
	prod, test, queue := s.inputs[0].intake.(*kinesisSettings), s.inputs[1].intake.(*kinesisSettings), s.inputs[2].intake.(*s3Settings)
	if prod.stream != "a" || prod.pollInterval != 2*time.Second || prod.shards != 4 || prod.maxBuffered != 32<<20 {
		t.Errorf("prod is %+v", prod)
	}
	if test.stream != "b" || test.pollInterval != time.Second || test.shards != 0 {
		t.Errorf("test is %+v", test)
	}
	if queue.workers != 3 || len(queue.allowed) != 2 {
		t.Errorf("s3 is %+v", queue)
	}
}

// TestMistakesOfTheFile: all of them in one go, each with its place.
func TestMistakesOfTheFile(t *testing.T) {
	p := start(t, []string{"FLOWLOG_DENY_LOG_RATE=-2"}, "check", "testdata/broken.yml")
	if status := p.exit(); status != exitUsage || p.stdout.Len() > 0 {
		t.Errorf("exit status %d, printed %s", status, &p.stdout)
	}
	golden(t, "testdata/broken.txt", p.output.String())
}

func TestWrongFiles(t *testing.T) {
	for _, test := range []struct{ name, file, args, says string }{
		{"a flag for nobody", "inputs: [{name: prod, kinesis: {stream: a}}]\n", "--kinesis.start trim_horizon", "--kinesis.start describes the input of the name kinesis, which there is none of"},
		{"one stream twice", "inputs: [{name: a, kinesis: {stream: x}}, {name: b, kinesis: {stream: x}}]\n", "", `:1:71: kinesis.stream "x" is read by the inputs a and b: it would count twice`},
		{"two kinds", "inputs: [{kinesis: {stream: x}, file: {path: y}}]\n", "", ":1:10: an input is one of kinesis, s3, firehose and file; this one has kinesis and file"},
		{"a name that is no label", "inputs: [{name: \"a b\", kinesis: {stream: x}}]\n", "", `"a b" is no name of an input`},
		{"in the words of the file", "inputs: [{firehose: {listen: \":1\", access_key_file: x, insecure_no_key: true}}]\n", "", ":1:53: firehose.access_key_file and firehose.insecure_no_key are both given; keep one"},
		{"a flag is named as a flag", "inputs: [{kinesis: {stream: x}}]\n", "--subnets.refresh 1ns", "--subnets.refresh 1ns is not between"},
		{"static subnets", "subnets: {static: {10.0.0.1/8: x}}\n", "", ":1:19: subnets.static: \"10.0.0.1/8\" has host bits set"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := fromFile(t, test.file, nil, strings.Fields(test.args)...)
			var usage usageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v\nwant %s", err, test.says)
			}
		})
	}
	if _, _, err := configure(called("check"), []string{"a", "--config.file", "b"}, variables("")); err == nil || !strings.Contains(err.Error(), "keep one") {
		t.Errorf("got %v", err)
	}
}

// TestCheck: the example of docs is right, what is printed is a file that means the
// same, and --config.check of run prints the same.
func TestCheck(t *testing.T) {
	const example = tree + "/docs/flowlog-exporter.yml"
	p := start(t, nil, "check", example, "--log.level", "debug", "--aws.endpoint-url", "https://me:canary@localhost:1")
	if status := p.exit(); status != exitOK {
		t.Fatalf("exit status %d: %s", status, p.output)
	}
	golden(t, "testdata/check.yml", strings.ReplaceAll(p.stdout.String(), tree+"/docs/", ""))
	if strings.Contains(p.stdout.String(), "canary") {
		t.Error("a password is printed")
	}
	again := start(t, nil, "run", "--config.check", "--config.file", written(t, p.stdout.String()))
	if status := again.exit(); status != exitOK {
		t.Fatalf("exit status %d: %s", status, again.output)
	}
	if got, want := bare(again.stdout.String()), bare(p.stdout.String()); got != want {
		t.Errorf("what is printed means something else:\n%s\nwant\n%s", got, want)
	}
}

// bare leaves out where values come from.
func bare(file string) string {
	var kept strings.Builder
	for line := range strings.Lines(file) {
		text, _, _ := strings.Cut(line, " #")
		kept.WriteString(strings.TrimRight(text, "\n") + "\n")
	}
	return kept.String()
}

// TestEveryFlagHasAPlaceInTheFile of its own, and only those of the file itself have none.
func TestEveryFlagHasAPlaceInTheFile(t *testing.T) {
	s := &settings{}
	s.form = newForm(called("run").all(s))
	keys := map[string]string{}
	for _, o := range s.form.options {
		key := o.place()
		_, old := spellings[o.name]
		switch other := keys[key]; {
		case key == "":
			if o.name != "config.file" && o.name != "config.check" {
				t.Errorf("--%s has no place in the file", o.name)
			}
		case old:
			if _, ok := s.form.option(key); !ok {
				t.Errorf("-%s has the place %s, which nobody reads", o.name, key)
			}
		case other != "":
			t.Errorf("--%s and --%s have the place %s", o.name, other, key)
		default:
			keys[key] = o.name
		}
	}
	schema := s.schema()
	for key, name := range keys {
		_, top := schema.Keys[key]
		_, input := schema.Lists["inputs"].Keys[key]
		if top == input {
			t.Errorf("the place %s of --%s is at the top: %v, of an input: %v", key, name, top, input)
		}
	}
	// What stands there is what the flag takes: by the default, or a value for it.
	values := map[string]string{
		"inputs": "", "subnets.static": "{10.0.0.0/8: x}", "deny_log.output": "stderr", "kinesis.start": "trim_horizon", "web.telemetry_path": "/m",
		"decode.format": "version srcaddr", "kinesis.stream": "x", "file.path": "[x]",
	}
	for key, name := range keys {
		f := newForm(called("run").all(&settings{}))
		value := f.flags.Lookup(name).Value.String()
		if v, ok := values[key]; ok {
			value = strings.Trim(v, "[]")
		}
		entry := config.Entry{Key: key, Values: []string{value}}
		if key == "subnets.static" {
			entry.Values[0] = "10.0.0.0/8=x"
		}
		if err := f.enter("f", entry); err != nil || !f.given(name) {
			t.Errorf("%s: %v", key, err)
		}
	}
}
