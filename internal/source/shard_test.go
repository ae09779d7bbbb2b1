package source

import (
	"testing"
	"time"
)

func TestBackOff(t *testing.T) {
	least := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60}
	for i, want := range least {
		want *= time.Second
		different := make(map[time.Duration]bool)
		for range 1000 {
			d := backOff(i + 1)
			if d < want || d > want*3/2 || d > time.Minute {
				t.Fatalf("after %d failures: %s, want %s and up to half as long again, a minute at most", i+1, d, want)
			}
			different[d] = true
		}
		if want < time.Minute && len(different) < 100 {
			t.Errorf("after %d failures there is no chance in the pause", i+1)
		}
	}
	if d := backOff(1000); d != time.Minute {
		t.Errorf("after 1000 failures: %s, want a minute", d)
	}
}
