package command

import (
	"fmt"
	"os"
	"path/filepath"
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
