package command

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// TestBodiesWaitForTheSubnets: a body waits until it can be placed, until whoever
// brings it does not want that any more, or until the end.
func TestBodiesWaitForTheSubnets(t *testing.T) {
	gone := errors.New("nobody wants it any more")
	for name, c := range map[string]struct {
		then func(e *engine, leave context.CancelCauseFunc)
		want error
	}{
		"the subnets come":   {func(e *engine, _ context.CancelCauseFunc) { _ = e.book.Load(context.Background()) }, nil},
		"its context ends":   {func(_ *engine, leave context.CancelCauseFunc) { leave(gone) }, gone},
		"the exporter stops": {func(e *engine, _ context.CancelCauseFunc) { e.refuse() }, errStopping},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := unloaded(t, twoSubnets)
				ctx, leave := context.WithCancelCause(t.Context())
				defer leave(nil)
				answer := make(chan error, 1)
				go func() { answer <- e.Handle(ctx, flow.Body{Source: "test", Data: []byte("x")}) }()
				time.Sleep(time.Hour)
				select {
				case err := <-answer:
					t.Fatalf("it did not wait: %v", err)
				default:
				}
				c.then(e, leave)
				if err := <-answer; !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
				_ = e.close(t.Context())
			})
		})
	}
}
