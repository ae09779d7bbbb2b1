package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// scrapes writes a recording of one counter, scraped every 15 seconds; a value
// below 0 is a scrape that was missed.
func scrapes(values ...float64) string {
	var times []int64
	var kept []float64
	for i, v := range values {
		if v >= 0 {
			times, kept = append(times, 1_700_000_000_000+int64(i)*15_000), append(kept, v)
		}
	}
	line, _ := json.Marshal(map[string]any{"series": `bytes_total{subnet="a"}`, "times": times, "values": kept})
	return string(line)
}

// TestIncrease: for a counter whose first sample is 0, increase() over the whole
// recording is exact, missed scrapes or not, and a counter that falls by a
// little shows as all of it once more.
func TestIncrease(t *testing.T) {
	for _, c := range []struct {
		name             string
		recording        string
		increase, resets float64
	}{
		{"steady", scrapes(0, 10, 20, 30, 40), 40, 0},
		{"in leaps", scrapes(0, 0, 0, 1_000_001, 1_000_001, 1_000_003), 1_000_003, 0},
		{"scrapes missed during a restart", scrapes(0, 10, -1, -1, 40), 40, 0},
		{"still", scrapes(0, 0, 0), 0, 0},
		{"from zero again", scrapes(0, 10, 20, 0, 10), 30, 1},
		{"a little lower after a restart", scrapes(0, 10_000, 20_000, 19_990, 30_000), 50_000 - 10_000 + 10_000, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := run([]string{`increase({__name__="bytes_total"}[$whole])`, `resets(bytes_total[$whole])`}, strings.NewReader(c.recording), &out); err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf(`{"expression":"increase({__name__=\"bytes_total\"}[$whole])","series":"{subnet=\"a\"}","value":%.0f}
{"expression":"resets(bytes_total[$whole])","series":"{subnet=\"a\"}","value":%.0f}
`, c.increase, c.resets)
			if out.String() != want {
				t.Errorf("got\n%swant\n%s", &out, want)
			}
		})
	}
}

func TestMistakesAreToldOf(t *testing.T) {
	for _, c := range []struct{ name, recording, expression string }{
		{"no JSON", "up 1", "up"},
		{"no series", `{"series":"1up","times":[1,2],"values":[1,1]}`, "up"},
		{"no values", `{"series":"up","times":[1,2]}`, "up"},
		{"time stands still", `{"series":"up","times":[1,1],"values":[1,1]}`, "up"},
		{"one scrape", `{"series":"up","times":[1],"values":[1]}`, "up"},
		{"no expression", scrapes(0, 1), "up("},
		{"no vector", scrapes(0, 1), "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := run([]string{c.expression}, strings.NewReader(c.recording), &bytes.Buffer{}); err == nil {
				t.Error("no error")
			}
		})
	}
}
