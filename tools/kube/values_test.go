package kube

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

const (
	page        = tree + "/docs/kubernetes.md"
	tableBegins = "<!-- made from charts/flowlog-exporter/values.yaml by make kube-update -->\n"
	tableEnds   = "<!-- end of the values -->\n"
)

// TestValuesTable: the page tells every value, its meaning and its default.
func TestValuesTable(t *testing.T) {
	text := read(t, page)
	head, rest, begins := strings.Cut(text, tableBegins)
	_, tail, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table: %s", page, tableBegins)
	}
	var values goyaml.Node
	if err := goyaml.Unmarshal([]byte(read(t, chartDir+"/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	table := "\n| Value | Meaning | Default |\n|--|--|--|\n" + rows(t, "", values.Content[0]) + "\n"
	same(t, page, head+tableBegins+table+tableEnds+tail)
}

// rows has a row of each value that is told of: a comment with "# --" stands in front
// of it. What has none must be a section of values that have.
func rows(t *testing.T, prefix string, section *goyaml.Node) string {
	t.Helper()
	var all strings.Builder
	for i := 0; i < len(section.Content); i += 2 {
		key, value := section.Content[i], section.Content[i+1]
		path := prefix + key.Value
		_, meaning, told := strings.Cut(key.HeadComment, "# -- ")
		switch {
		case told:
			fmt.Fprintf(&all, "| `%s` | %s | %s |\n", path, cell(meaning), cell(standard(t, value)))
		case value.Kind == goyaml.MappingNode && len(value.Content) > 0:
			all.WriteString(rows(t, path+".", value))
		default:
			t.Errorf("values.yaml:%d: nothing is said of %s", key.Line, path)
		}
	}
	return all.String()
}

// standard is what a value is by default, in code; nothing for what is empty.
func standard(t *testing.T, value *goyaml.Node) string {
	t.Helper()
	var decoded any
	if err := value.Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	if text, ok := decoded.(string); ok {
		if text == "" {
			return ""
		}
		return "`" + text + "`"
	}
	text, err := json.Marshal(decoded)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) == "null" {
		return ""
	}
	return "`" + string(text) + "`"
}

func cell(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "|", `\|`) }

// TestPageNamesWhatIsThere: values and files that the page tells of exist.
func TestPageNamesWhatIsThere(t *testing.T) {
	text := read(t, page)
	set := regexp.MustCompile(`--set(?:-file)? ([a-zA-Z.]+)`).FindAllStringSubmatch(text, -1)
	if len(set) == 0 {
		t.Error("the page sets no value")
	}
	for _, s := range set {
		if !isValue(loadChart(t).Values, "", s[1]) {
			t.Errorf("the page sets %s, which is no value", s[1])
		}
	}
	for _, file := range regexp.MustCompile(`(?:charts|deploy|monitoring)/[-a-z/]*[a-z]`).FindAllString(text, -1) {
		if len(glob(t, tree+"/"+file+"*")) == 0 {
			t.Errorf("the page names %s, which is not there", file)
		}
	}
}

// isValue reports whether a path leads to a value, or into one whose fields are open.
func isValue(section map[string]any, prefix, path string) bool {
	key, rest, more := strings.Cut(path, ".")
	value, known := section[key]
	if inner, ok := value.(map[string]any); more && known && ok && !isOpen(prefix+key) {
		return isValue(inner, prefix+key+".", rest)
	}
	return known
}
