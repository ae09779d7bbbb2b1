package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestMetricsOfExpressions(t *testing.T) {
	var out bytes.Buffer
	err := run([]string{"-metrics", `sum by (a_total) (rate(b_total{c="d_total"}[5m])) / on (e) a:b{x=~"y"} > 1 unless b_total`, `vector(1)`}, strings.NewReader("not read"), &out)
	if want := "[\"a:b\",\"b_total\"]\n[]\n"; err != nil || out.String() != want {
		t.Errorf("got %s (%v), want %s", &out, err, want)
	}
	if err := run([]string{"-metrics", "sum("}, nil, &out); err == nil {
		t.Error("no error")
	}
}
