package flowlog

import (
	"testing"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

func TestSet(t *testing.T) {
	ports := mustParse(t, "srcaddr srcport dstport")
	sizes := mustParse(t, "dstaddr packets bytes")
	flags := mustParse(t, "action dstaddr bytes")
	pair := mustParse(t, "pkt-srcaddr pkt-dstaddr")
	for _, test := range []struct {
		name string
		set  *Set
		line string
		want string
	}{
		{"by column count", Fixed(ports, pair), "10.0.0.1 10.0.0.2", "record pkt-src=10.0.0.1 pkt-dst=10.0.0.2"},
		{"the first of equal length", Fixed(ports, sizes), "10.0.0.1 80 443", "record src=10.0.0.1 srcport=80 dstport=443"},
		{"the order counts", Fixed(sizes, ports), "10.0.0.1 80 443", "record dst=10.0.0.1 packets=80 bytes=443"},
		{"the first that is not malformed", Fixed(ports, pair, flags, sizes), "10.0.0.1 80000 443", "record dst=10.0.0.1 packets=80000 bytes=443"},
		{"not malformed may be NODATA", Fixed(ports, sizes), "- - -", "nodata"},
		{"none of equal length fits", Fixed(ports, sizes), "10.0.0.1 NaN 443", "malformed"},
		{"none of that length", Fixed(ports, sizes), "10.0.0.1", "format"},
		{"none given is the default", Fixed(), "10.0.0.1", "format"},
		{"one given", Fixed(pair), "10.0.0.1", "format"},
		{"given twice", Fixed(pair, pair), "10.0.0.1 x", "malformed"},
	} {
		rec := flow.Record{Names: new(flow.Names)}
		got, result := "", test.set.Parse([]byte(test.line), &rec)
		if got = show(&rec); result != Parsed {
			got = result.Reason().String()
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	if n := len(Fixed(pair, pair, ports).Formats()); n != 2 {
		t.Errorf("%d formats, want 2", n)
	}
	if s := Fixed(ports, pair).String(); s != "format with 3 fields: ${srcaddr} ${srcport} ${dstport}; or format with 2 fields: ${pkt-srcaddr} ${pkt-dstaddr}" {
		t.Error(s)
	}
}

func TestSetAllocatesNothing(t *testing.T) {
	s := Fixed(mustParse(t, "srcaddr srcport"), mustParse(t, "srcaddr packets"), Default)
	line := []byte("10.0.0.1 70000")
	var rec flow.Record
	if n := testing.AllocsPerRun(100, func() { s.For(nil).Parse(line, &rec) }); n != 0 {
		t.Errorf("%v allocations per line", n)
	}
}
