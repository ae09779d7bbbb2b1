package command

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFaults compares docs/faults.md with the tests that there are: a test that
// the page names exists, and one that is named after a fault is on the page.
func TestFaults(t *testing.T) {
	t.Chdir(tree)
	page, err := os.ReadFile("docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	there := tests(t)
	row := regexp.MustCompile(`^\| (\d+) \|`)
	name := regexp.MustCompile("`(\\w+\\.(?:Test|Fuzz)\\w+)`")
	named := map[string]bool{}
	rows := 0
	for line := range strings.Lines(string(page)) {
		number := row.FindStringSubmatch(line)
		if number == nil {
			continue
		}
		rows++
		shown := name.FindAllStringSubmatch(line, -1)
		if len(shown) == 0 {
			t.Errorf("fault %s has no test", number[1])
		}
		for _, s := range shown {
			named[s[1]] = true
			if !there[s[1]] {
				t.Errorf("fault %s: there is no %s", number[1], s[1])
			}
		}
	}
	after := regexp.MustCompile(`\.TestFault\d`)
	for test := range there {
		if after.MatchString(test) && !named[test] {
			t.Errorf("%s is not in docs/faults.md", test)
		}
	}
	t.Logf("%d faults, %d tests", rows, len(named))
}

// room is the folder of a file, by the name that the pages give it.
func room(file string) string {
	if folder := filepath.Base(filepath.Dir(file)); folder != "." {
		return folder
	}
	return "main"
}

// tests returns the test functions of the tree as folder.Function, whatever
// their build tags.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && file != "." {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				found[room(file)+"."+f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
