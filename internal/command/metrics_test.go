package command

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
	"github.com/flowlog-exporter/flowlog-exporter/internal/web"
)

// failing is an address book that cannot be read.
type failing struct{}

// Load implements vpc.Loader.
func (failing) Load(context.Context) ([]flow.Subnet, []vpc.Interface, error) {
	return nil, nil, errors.New("on purpose")
}

// TestFailedRefreshesArePublic: the next commit tells of them, although nothing
// was counted.
func TestFailedRefreshesArePublic(t *testing.T) {
	s := &settings{denyOutput: "off", subnetsRefresh: time.Hour}
	e, err := newEngine(&program{stdout: io.Discard, stderr: io.Discard}, s, slog.New(slog.DiscardHandler), failing{}, flowlog.Fixed(), "test")
	if err != nil {
		t.Fatal(err)
	}
	public := func() string {
		if err := e.ledger.Commit(); err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := web.WriteText(&text, e.committed.book.families); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	for _, want := range []string{"failures_total 0\n", "failures_total 1\n", "failures_total 2\n"} {
		if got := public(); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
		if err := e.book.Load(t.Context()); err == nil {
			t.Fatal("it can be read")
		}
	}
}
