package flowlog

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseFormat(t *testing.T) {
	const want = "${version} ${account-id} ${srcaddr}"
	for _, s := range []string{
		"${version} ${account-id} ${srcaddr}",
		"version account-id srcaddr",
		"version,account_id,srcaddr",
		" version ,\taccount_id , ${srcaddr}\r\n",
		"${version}, ${account_id},,srcaddr",
	} {
		f, err := ParseFormat(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if f.String() != want || f.Columns() != 3 {
			t.Errorf("%q is read as %q with %d columns", s, f, f.Columns())
		}
	}
}

func TestParseFormatErrors(t *testing.T) {
	many := strings.Repeat("x", 1)
	for i := range MaxColumns {
		many += " a" + strings.Repeat("b", i)
	}
	for _, test := range []struct{ name, format, want string }{
		{"empty", "", "it is empty"},
		{"only separators", " ,\t,", "it is empty"},
		{"twice", "srcaddr dstaddr ${srcaddr}", "srcaddr stands in column 1 and again in column 3"},
		{"twice in two spellings", "account-id account_id", "account-id stands in column 1 and again in column 2"},
		{"unknown twice", "version new-field new_field", "new-field stands in column 2 and again in column 3"},
		{"not closed", "version ${srcaddr", `column 2, "${srcaddr", is no field name`},
		{"no name", "version ${}", `column 2, "${}", is no field name`},
		{"a record", "2 123456789010 eni-1", `column 1, "2", is no field name`},
		{"no known field", "foo bar", `none of its fields is known (the first is "foo")`},
		{"too many", many, "it has 129 columns, at most 128 are allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseFormat(test.format)
			if !errors.Is(err, ErrFormat) || !strings.HasSuffix(err.Error(), ": "+test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestUnknownFieldsAreColumnsThatAreSkipped(t *testing.T) {
	f, err := ParseFormat("${version} ${moon_phase} ${srcaddr} ${tide}")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"moon-phase", "tide"}, f.Unknown()); diff != "" {
		t.Error(diff)
	}
	rec, result := parse(f, "12 full 10.0.0.1 -")
	if result != Parsed || rec.Src.String() != "10.0.0.1" {
		t.Errorf("%v, source %v", result, rec.Src)
	}
}

func TestMostColumns(t *testing.T) {
	format := "srcaddr"
	for i := 1; i < MaxColumns; i++ {
		format += " x" + strings.Repeat("y", i)
	}
	f, err := ParseFormat(format)
	if err != nil {
		t.Fatal(err)
	}
	rec, result := parse(f, "10.0.0.1"+strings.Repeat(" -", MaxColumns-1))
	if result != Parsed || !rec.Src.IsValid() {
		t.Errorf("%v", result)
	}
}

func FuzzFormat(f *testing.F) {
	f.Add(Default.String())
	f.Add(TransitGateway.String())
	f.Add("account_id, srcaddr,dstaddr\tnew-thing")
	f.Add("${version ${account-id}}")
	f.Add("version version")
	f.Fuzz(func(t *testing.T, s string) {
		format, err := ParseFormat(s)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("foreign error %v", err)
			}
			return
		}
		again, err := ParseFormat(format.String())
		if err != nil || again.String() != format.String() || again.Columns() != format.Columns() {
			t.Fatalf("%q does not survive being written down: %v", format, err)
		}
		if n := strings.Count(format.String(), "${"); n != format.Columns() || n > MaxColumns {
			t.Fatalf("%q has %d columns", format, format.Columns())
		}
		if _, result := parse(format, strings.Repeat("- ", format.Columns())); result.failed() {
			t.Fatalf("%q: a line of hyphens is %v", format, result)
		}
	})
}
