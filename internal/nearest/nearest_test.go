package nearest

import (
	"strings"
	"testing"
)

func TestTo(t *testing.T) {
	known := []string{"kinesis", "state", "path", "web", "flow-direction", "us", strings.Repeat("long", 20)}
	for misspelt, want := range map[string]string{
		"kinesys": "kinesis", "Kinesis": "kinesis", "\tkineses": "kinesis", "stat": "state", "paht": "path", "pat": "path", "flow-direktoin": "flow-direction",
		"wab": "web", "u": "us", "xy": "", "": "", "direction": "", strings.Repeat("long", 20): "", strings.Repeat("x", 1<<20): "",
	} {
		if got := To(misspelt, known); got != want {
			t.Errorf("To(%.40q) = %q, want %q", misspelt, got, want)
		}
	}
}
