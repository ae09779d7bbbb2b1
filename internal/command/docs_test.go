package command

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConfigurationPage holds the table of docs/configuration.md against the options; go
// test ./internal/command -run TestConfigurationPage -update writes it.
func TestConfigurationPage(t *testing.T) {
	const file, begin, end = tree + "/docs/configuration.md", "<!-- options -->\n", "<!-- end of options -->\n"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), begin)
	_, tail, also := strings.Cut(rest, end)
	if !ok || !also {
		t.Fatalf("%s has no place for the options", file)
	}
	golden(t, file, head+begin+optionTable()+end+tail)
}

// optionTable lists the options of run.
func optionTable() string {
	s := &settings{}
	groups := runOptions(s)
	var b strings.Builder
	b.WriteString("| Flag | Variable | Key in the file | Default | Meaning | Changes |\n|--|--|--|--|--|--|\n")
	for _, group := range groups {
		for _, o := range group {
			d := o.describe()
			key, changes := o.place(), "at a restart"
			if o.live {
				changes = "at a reload"
			}
			if spellings[o.name] != "" {
				changes = "–"
			}
			switch {
			case key == "":
				key, changes = "–", "–"
			case s.kindOf(key) != "":
				key = "`inputs[]." + key + "`"
			default:
				key = "`" + key + "`"
			}
			value := "–"
			if d.value != "" {
				value = "`" + d.value + "`"
			}
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s | %s |\n", o.dashed(), twin(o.name), key, value, strings.ReplaceAll(d.usage, "|", `\|`), changes)
		}
	}
	return b.String()
}

// TestDenyLogPage: the lines that docs/deny-log.md shows are written so.
func TestDenyLogPage(t *testing.T) {
	page, err := os.ReadFile(tree + "/docs/deny-log.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rewrite(t, filepath.Join(dir, "log"), denied+"\n")
	rewrite(t, filepath.Join(dir, "subnets"), "10.0.0.0/24\n")
	for _, format := range []string{"json", "legacy"} {
		p := start(t, nil, "replay", "--subnets.file", filepath.Join(dir, "subnets"), "--deny-log.output", "stderr", "--deny-log.format", format,
			"--log.level", "error", filepath.Join(dir, "log"))
		if status := p.exit(); status != exitOK || !strings.Contains(string(page), "`"+strings.TrimSpace(p.output.String())+"`") {
			t.Errorf("exit status %d, not on the page: %s", status, p.output)
		}
	}
}

// TestDocumentedCommands reads each command line of the program that README and docs
// show, as the program would: its words are commands and flags, their values
// possible. docs/errors.md shows what is wrong, and is written by the program.
func TestDocumentedCommands(t *testing.T) {
	t.Chdir(tree + "/docs") // where the example of a configuration file is
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, page := range append(pages, "../README.md") {
		if filepath.Base(page) == "errors.md" {
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines(string(text)) {
			shown++
			cmd, args := choose(words(made.Replace(line)))
			if cmd.settle == nil { // help
				continue
			}
			if _, _, err := configure(cmd, args, variables("AWS_REGION=eu-west-1")); err != nil {
				t.Errorf("%s: flowlog-exporter %s\n%v", filepath.Base(page), line, err)
			}
		}
	}
	t.Logf("%d command lines", shown)
}

var (
	blocks = regexp.MustCompile("(?ms)^```(?:sh|console)\\n(.*?)^```$")
	calls  = regexp.MustCompile(`(?m)^(?:\$ )?(?:[A-Z_]+=\S+ )*flowlog-exporter(?: ([^#|&>\n]*)|$)`)
)

// made is what variables of docs/aws.md may hold.
var made = strings.NewReplacer("$QUEUE", "https://sqs.eu-west-1.amazonaws.com/123456789012/flow-logs", "$BUCKET", "flow-logs")

// commandLines returns what follows the name of the program in blocks of commands.
func commandLines(page string) (lines []string) {
	for _, block := range blocks.FindAllStringSubmatch(page, -1) {
		for _, call := range calls.FindAllStringSubmatch(strings.ReplaceAll(block[1], "\\\n", " "), -1) {
			lines = append(lines, call[1])
		}
	}
	return lines
}

// words splits a command line as a shell does that knows quotes and nothing else.
func words(line string) (list []string) {
	for _, word := range regexp.MustCompile(`(?:'[^']*'|"[^"]*"|\S)+`).FindAllString(line, -1) {
		list = append(list, strings.NewReplacer("'", "", `"`, "").Replace(word))
	}
	return list
}
