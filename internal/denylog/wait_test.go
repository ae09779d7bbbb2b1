package denylog

import (
	"testing"
	"testing/synctest"
)

// TestWaitingLogDropsNothing: a log that waits lets who observes wait while its
// output takes nothing, and has every line at the end.
func TestWaitingLogDropsNothing(t *testing.T) {
	const flows = 30_000 // three times what the queue holds
	synctest.Test(t, func(t *testing.T) {
		slow := &gate{opened: make(chan struct{})}
		l := start(t, Options{Stdout: slow, Wait: true})
		observed := make(chan struct{})
		go func() {
			defer close(observed)
			for range flows / 100 {
				l.Observe("file", batch(100))
			}
		}()
		synctest.Wait()
		select {
		case <-observed:
			t.Fatal("Observe did not wait for the output")
		default:
		}
		close(slow.opened)
		<-observed
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if lines, _ := told(t, slow.Bytes()); lines != flows || l.Dropped() != 0 {
			t.Errorf("%d lines, %d dropped, want %d and 0", lines, l.Dropped(), flows)
		}
	})
}

// TestHurry: the waiting for an output that takes nothing can be broken off.
func TestHurry(t *testing.T) {
	const flows = 30_000
	synctest.Test(t, func(t *testing.T) {
		slow := &gate{opened: make(chan struct{})}
		l := start(t, Options{Stdout: slow, Wait: true})
		observed := make(chan struct{})
		go func() {
			defer close(observed)
			l.Observe("file", batch(flows))
		}()
		synctest.Wait()
		l.Hurry()
		<-observed // or the bubble is deadlocked
		close(slow.opened)
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if lines, _ := told(t, slow.Bytes()); lines+l.Dropped() != flows || l.Dropped() == 0 {
			t.Errorf("%d lines and %d dropped of %d", lines, l.Dropped(), flows)
		}
	})
}
