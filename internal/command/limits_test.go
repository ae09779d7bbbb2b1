package command

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// TestLimits compares docs/limits.md with the code: each limit has the value that
// its flag or constant has, something to see when it bites, and tests that exist.
func TestLimits(t *testing.T) {
	t.Chdir(tree)
	page, err := os.ReadFile("docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	there, known := tests(t), limits(t)
	test := regexp.MustCompile("`(\\w+\\.(?:Test|Fuzz)\\w+)`")
	rows := 0
	for _, row := range regexp.MustCompile("(?m)^\\| (.+?) \\| (.+?) \\| `(\\S+)` \\|(.*)\\|(.*)\\|$").FindAllStringSubmatch(string(page), -1) {
		rows++
		limit, value, name, seen, shown := row[1], row[2], row[3], row[4], test.FindAllStringSubmatch(row[5], -1)
		switch got, ok := known[name]; {
		case !ok:
			t.Errorf("%s: there is no %s", limit, name)
		case got != amount(value):
			t.Errorf("%s: the page says %s, %s is %v", limit, value, name, got)
		}
		if strings.TrimSpace(seen) == "" && name != "flowlog.RatioFrom" {
			t.Errorf("%s: nothing is seen when it bites", limit)
		}
		if len(shown) == 0 {
			t.Errorf("%s has no test", limit)
		}
		for _, s := range shown {
			if !there[s[1]] {
				t.Errorf("%s: there is no %s", limit, s[1])
			}
		}
	}
	if want := strings.Count(string(page), "\n| ") - 5; rows != want { // less what is not of the first table
		t.Errorf("%d rows are understood, there are %d", rows, want)
	}
	t.Logf("%d limits", rows)
}

// units are how the page writes numbers; times are in nanoseconds.
var units = map[string]float64{
	"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	"ms": float64(time.Millisecond), "s": float64(time.Second), "min": float64(time.Minute), "h": float64(time.Hour),
}

// amount reads a number of the page; what is none is below 0.
func amount(text string) float64 {
	digits, unit, _ := strings.Cut(text, " ")
	n, err := strconv.ParseFloat(strings.ReplaceAll(digits, ",", ""), 64)
	factor, ok := units[unit]
	if err != nil || !ok {
		return -1
	}
	return n * factor
}

// limits returns the numbers of the code: flags by their names, at their default,
// and constants by room and name.
func limits(t *testing.T) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	s := &settings{}
	newForm(commands[0].all(s))
	found["--decode.max-inflated"], found["--deny-log.rate"], found["--kinesis.max-buffered"] = float64(s.maxInflated), float64(s.denyRate), float64(s.kinesis.maxBuffered)
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "tools" || d.Name() == "test") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range parsed.Decls {
			if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.CONST {
				constants(g, room(file), found)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// constants adds the constants of a declaration that are numbers by themselves.
func constants(g *ast.GenDecl, room string, found map[string]float64) {
	for _, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		for i, name := range v.Names {
			if i >= len(v.Values) {
				continue
			}
			if n, ok := evaluate(v.Values[i]); ok {
				found[room+"."+name.Name], _ = constant.Float64Val(n)
			}
		}
	}
}

// evaluate returns the value of an expression of numbers and units of time.
func evaluate(e ast.Expr) (constant.Value, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		n := constant.MakeFromLiteral(e.Value, e.Kind, 0)
		return n, n.Kind() == constant.Int
	case *ast.SelectorExpr:
		unit, ok := map[string]time.Duration{
			"Millisecond": time.Millisecond, "Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
		}[e.Sel.Name]
		return constant.MakeInt64(int64(unit)), ok && fmt.Sprint(e.X) == "time"
	case *ast.BinaryExpr:
		x, ok := evaluate(e.X)
		y, also := evaluate(e.Y)
		if !ok || !also {
			return nil, false
		}
		if e.Op == token.SHL {
			bits, _ := constant.Uint64Val(y)
			return constant.Shift(x, e.Op, uint(bits)), true
		}
		return constant.BinaryOp(x, e.Op, y), true
	}
	return nil, false
}

// TestSubnetFileIsLimited: a file without end is no list of subnets.
func TestSubnetFileIsLimited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "subnets")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(64<<20 + 1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := (vpc.File{Path: path}).Load(t.Context()); err == nil || !strings.Contains(err.Error(), path+" is larger than 64 MiB") {
		t.Errorf("got %v", err)
	}
}
