package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestDeadline: a check that does not end, and does not look at its context, is
// given up, and the next one is made.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, ever := time.Now(), make(chan struct{})
		var out strings.Builder
		sound := Examine(t.Context(), &out, []Check{
			{Name: "deaf", Ask: func(context.Context) Finding { <-ever; return Finding{} }},
			{Name: "next", Ask: func(context.Context) Finding { return Passed("here") }},
		})
		close(ever)
		want := "✗ deaf          no answer within 10s\n✓ next          here\n"
		if sound || out.String() != want {
			t.Errorf("sound %v\n%s", sound, &out)
		}
		if took := time.Since(began); took != deadline+time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestDeadlineInTheWordsOfTheCheck: who looks at its context may say what failed.
func TestDeadlineInTheWordsOfTheCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		Examine(t.Context(), &out, []Check{{Name: "slow", Ask: func(ctx context.Context) Finding {
			<-ctx.Done()
			return Broken(errors.New("AWS did not answer"), "look at the proxy")
		}}})
		if want := "✗ slow          AWS did not answer\n                → look at the proxy\n"; out.String() != want {
			t.Errorf("got\n%s", &out)
		}
	})
}

// TestNeeds: what hangs on a broken link is not asked, also not over a link
// between that was not asked; a link that was left out by choice stops nobody.
func TestNeeds(t *testing.T) {
	asked := ""
	ask := func(name string, f Finding, needs ...string) Check {
		return Check{Name: name, Needs: needs, Ask: func(context.Context) Finding { asked += name; return f }}
	}
	var out strings.Builder
	sound := Examine(t.Context(), &out, []Check{
		ask("a", Broken(errors.New("no"), "")), ask("b", Passed(""), "a"), ask("c", Passed(""), "b"),
		ask("d", Skipped("not asked for")), ask("e", Passed("yes"), "d"),
	})
	if sound || asked != "ade" || !strings.Contains(out.String(), "– c             needs: b\n") {
		t.Errorf("sound %v, asked %q\n%s", sound, asked, &out)
	}
}

// TestNeedsOfItsOwn: of two checks of one name, the one that is meant stops what
// needs it, and each line says what it is about.
func TestNeedsOfItsOwn(t *testing.T) {
	var out strings.Builder
	check := func(of string, f Finding) []Check {
		return []Check{
			{Name: "stream", Of: of, Ask: func(context.Context) Finding { return f }},
			{Name: "shards", Of: of, Needs: []string{key("stream", of)}, Ask: func(context.Context) Finding { return Passed("here") }},
		}
	}
	sound := Examine(t.Context(), &out, slices.Concat(check("prod", Broken(errors.New("gone"), "")), check("test", Passed("there")), check("", Passed("too"))))
	want := "✗ stream        prod: gone\n– shards        prod: needs: stream of prod\n✓ stream        test: there\n✓ shards        test: here\n" +
		"✓ stream        too\n✓ shards        here\n"
	if sound || out.String() != want {
		t.Errorf("sound %v\n%s", sound, &out)
	}
}

// TestInterrupted: a signal ends the examination, which then has found nothing sound.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var out strings.Builder
	sound := Examine(ctx, &out, []Check{
		{Name: "a", Ask: func(context.Context) Finding { stop(); return Passed("") }},
		{Name: "b", Ask: func(context.Context) Finding { t.Error("asked after the end"); return Passed("") }},
	})
	if sound {
		t.Error("sound")
	}
}

// TestOneLine: what AWS says does not break the table.
func TestOneLine(t *testing.T) {
	var out strings.Builder
	Broken(errors.New("two\nlines,\r\n\tand more"), "").write(&out, "name", "")
	if want := "✗ name          two lines, and more\n"; out.String() != want {
		t.Errorf("got %q", &out)
	}
}
