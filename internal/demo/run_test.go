package demo

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRunKeepsThePace(t *testing.T) {
	for _, rate := range []int{1, 7, 500, 1000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const length = 20 * time.Second
				ctx, cancel := context.WithTimeout(t.Context(), length-time.Millisecond)
				defer cancel()
				v, began, first, records := NewVPC(1), time.Now(), 0, 0
				err := v.Run(ctx, rate, func(_ string, data []byte) {
					n := len(readEnvelope(t, Envelope{Data: data}).LogEvents)
					if records += n; time.Since(began) == 0 {
						first += n
					}
				})
				if err != nil || time.Since(began) != length-time.Millisecond {
					t.Errorf("stopped after %v: %v", time.Since(began), err)
				}
				if first < 2 {
					t.Errorf("%d records at once", first)
				}
				if want := rate * int(length/time.Second); records < want-1 || records > want+100 {
					t.Errorf("%d records, want %d", records, want)
				}
			})
		})
	}
}

// TestRunPutsWhatTruthSays: a stop between two envelopes loses none of them.
func TestRunPutsWhatTruthSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		v := NewVPC(1)
		var put uint64
		if err := v.Run(ctx, 500, func(_ string, data []byte) {
			cancel()
			put += uint64(len(readEnvelope(t, Envelope{Data: data}).LogEvents))
		}); err != nil {
			t.Error(err)
		}
		truth := v.Truth()
		written := truth.NoData + truth.SkipData + truth.Control
		for _, a := range truth.Traffic {
			written += a.Flows
		}
		if put != written {
			t.Errorf("put %d, wrote %d", put, written)
		}
	})
}

// TestRunForgetsABacklog: after a put that hung for an hour, a second's worth follows.
func TestRunForgetsABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour+2500*time.Millisecond)
		defer cancel()
		records, hung := 0, false
		err := NewVPC(1).Run(ctx, 500, func(_ string, data []byte) {
			if records += len(readEnvelope(t, Envelope{Data: data}).LogEvents); !hung {
				hung = true
				time.Sleep(time.Hour) // of the bubble's clock
			}
		})
		if err != nil || records > 5*500 {
			t.Errorf("%d records: %v", records, err)
		}
	})
}

func TestRunRefusesRates(t *testing.T) {
	for rate, want := range map[int]string{
		0:           "cannot write 0 records a second: choose a rate from 1 to 200000",
		-1:          "cannot write -1 records a second: choose a rate from 1 to 200000",
		MaxRate + 1: "cannot write 200001 records a second: choose a rate from 1 to 200000",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // a Run that should not have begun ends
		err := NewVPC(1).Run(ctx, rate, func(string, []byte) {})
		if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
			t.Error(diff)
		}
	}
}

// TestNextIsBounded: envelopes stay below what a stream takes, also at the interval of the highest rate.
func TestNextIsBounded(t *testing.T) {
	for _, n := range []int{0, 1, 500, MaxRate / 10} {
		v, records := NewVPC(1), 0
		for _, e := range v.Next(noon, n) {
			records += e.Records
			if e.Records > maxEvents+100 || len(e.Data) > 1<<20 {
				t.Errorf("envelope of %d records, %d bytes", e.Records, len(e.Data))
			}
		}
		if records < n || records > n+32 {
			t.Errorf("%d records, want %d", records, n)
		}
		for _, f := range v.interfaces() {
			if len(f.events) > 0 {
				t.Errorf("%s keeps %d events", f.id, len(f.events))
			}
		}
	}
}

func BenchmarkNext(b *testing.B) {
	v := NewVPC(1)
	b.ReportAllocs()
	for b.Loop() {
		v.Next(noon, MaxRate/10) // the interval of the highest rate
	}
}
