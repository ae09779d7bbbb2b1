package flowlog

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

var update = flag.Bool("update", false, "write the golden files anew")

// group is one group of published lines.
type group struct {
	name, format string
	lines        []string
}

// samples reads testdata/samples.txt.
func samples(t testing.TB) (groups []group) {
	t.Helper()
	data, err := os.ReadFile("testdata/samples.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if name, ok := strings.CutPrefix(line, "# GROUP: "); ok {
			groups = append(groups, group{name: name})
		}
		if len(groups) == 0 {
			continue
		}
		g := &groups[len(groups)-1]
		if format, ok := strings.CutPrefix(line, "# FORMAT: "); ok {
			g.format = format
		}
		if line != "" && line[0] != '#' {
			g.lines = append(g.lines, line)
		}
	}
	return groups
}

// sample returns the lines of the group whose name has the given part.
func sample(t testing.TB, part string) group {
	t.Helper()
	for _, g := range samples(t) {
		if strings.Contains(g.name, part) {
			return g
		}
	}
	t.Fatalf("no group of samples is called %q", part)
	return group{}
}

// show writes a record on one line; absent fields are left out.
func show(r *flow.Record) string {
	var b strings.Builder
	for _, f := range []struct {
		name  string
		value any
	}{
		{"account", string(r.AccountID)}, {"interface", string(r.InterfaceID)}, {"vpc", string(r.VPCID)},
		{"subnet", string(r.SubnetID)}, {"instance", string(r.InstanceID)}, {"region", string(r.Region)}, {"az", string(r.AZID)},
		{"src", r.Src}, {"dst", r.Dst}, {"pkt-src", r.PktSrc}, {"pkt-dst", r.PktDst}, {"srcport", r.SrcPort}, {"dstport", r.DstPort},
		{"protocol", r.Protocol}, {"packets", r.Packets}, {"bytes", r.Bytes}, {"start", r.Start}, {"end", r.End},
		{"action", [...]string{"", "accept", "reject"}[r.Action]}, {"flags", r.TCPFlags}, {"path", r.TrafficPath},
		{"direction", strings.TrimPrefix(r.Direction.String(), "-")}, {"reject-reason", string(r.RejectReason)}, {"event", string(r.EventID)},
	} {
		_, text := f.value.(string)
		if v := fmt.Sprint(f.value); v != "" && (text || v != "0") && v != "invalid IP" {
			fmt.Fprintf(&b, " %s=%s", f.name, v)
		}
	}
	return "record" + b.String()
}

// showBlock writes what a body was read as.
func showBlock(b *Block) (lines []string) {
	for i := range b.Records {
		lines = append(lines, show(&b.Records[i]))
	}
	for reason, n := range b.Skipped {
		if n > 0 {
			lines = append(lines, fmt.Sprintf("skipped %s %d", flow.Reason(reason), n))
		}
	}
	for stage, n := range b.Failures {
		if n > 0 {
			lines = append(lines, fmt.Sprintf("failure %s %d", flow.Stage(stage), n))
		}
	}
	return lines
}

func TestPublishedSamples(t *testing.T) {
	var got strings.Builder
	for _, g := range samples(t) {
		fmt.Fprintf(&got, "# %s\n", g.name)
		for _, line := range g.lines {
			if g.format == "JSON" {
				fmt.Fprintln(&got, strings.Join(read(t, Options{}, line).show(), "\n"))
				continue
			}
			rec, result := parse(mustParse(t, g.format), line)
			if result != Parsed {
				fmt.Fprintln(&got, result.Reason())
				continue
			}
			fmt.Fprintln(&got, show(&rec))
		}
	}
	golden(t, "testdata/samples.golden", got.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); run with -update if that is meant:\n%s", path, diff)
	}
}

// The samples say the same as text behind a header line, in one piece and in a stream.
func TestPublishedSamplesBehindAHeader(t *testing.T) {
	for _, g := range samples(t) {
		if g.format == "JSON" {
			continue
		}
		var want collected
		for _, line := range g.lines {
			rec, result := parse(mustParse(t, g.format), line)
			if result == Parsed {
				want.records = append(want.records, show(&rec))
			} else {
				want.Skipped[result.Reason()]++
			}
		}
		text := g.format + "\n" + strings.Join(g.lines, "\n") + "\n"
		for name, got := range map[string]*collected{"data": read(t, Options{}, text), "stream": readStream(t, Options{}, text)} {
			if diff := cmp.Diff(want.show(), got.show()); diff != "" {
				t.Errorf("%s as %s (-want +got):\n%s", g.name, name, diff)
			}
		}
	}
}

func TestNotesOfTheSamples(t *testing.T) {
	at := func(part string, i int) (flow.Record, Result) {
		t.Helper()
		g := sample(t, part)
		return parse(mustParse(t, g.format), g.lines[i])
	}
	for _, test := range []struct {
		name, group string
		line        int
		want        Result
	}{
		{"seven hyphens and NODATA", "NODATA and SKIPDATA", 0, NoData},
		{"SKIPDATA", "NODATA and SKIPDATA", 1, SkipData},
		{"double blank", "tcp-flags sequence", 7, Parsed},
		{"milliseconds", "MILLISECOND", 0, SkipData},
		{"bogus line", "plus a bogus line", 1, Mismatch},
		{"NODATA between ECS fields", "REAL v7 ECS", 1, NoData},
		{"NODATA of an overlapping window", "REAL v7 ECS", 2, NoData},
		{"transit gateway subset", "plus a bogus line", 0, Parsed},
	} {
		if _, got := at(test.group, test.line); got != test.want {
			t.Errorf("%s: result %d, want %d", test.name, got, test.want)
		}
	}
	if rec, _ := at("tcp-flags sequence", 7); rec.TCPFlags != 19 || rec.PktSrc.String() != "10.0.0.62" || rec.Bytes != 967 {
		t.Errorf("double blank: %s", show(&rec))
	}
	if rec, _ := at("v3 fields in alphabetical order", 0); rec.PktDst.String() != "172.18.160.93" || rec.PktSrc.String() != "192.168.0.1" ||
		rec.Src.String() != "172.18.160.68" || rec.Action != flow.ActionNone {
		t.Errorf("packet addresses: %s", show(&rec))
	}
	if rec, _ := at("zonal", 0); rec.InstanceID != nil || rec.PktDst.String() != "203.0.113.5" {
		t.Errorf("NAT gateway: %s", show(&rec))
	}
	if rec, _ := at("regional NAT gateway", 1); rec.InterfaceID != nil || rec.SubnetID != nil || rec.InstanceID != nil ||
		rec.Src.String() != "107.22.182.139" {
		t.Errorf("regional NAT gateway: %s", show(&rec))
	}
	if rec, _ := at("blocked by network ACL", 1); !rec.Rejected() || rec.Protocol != 1 || rec.SrcPort != 0 {
		t.Errorf("ping: %s", show(&rec))
	}
	if rec, _ := at("EC2 to S3", 0); rec.Direction != flow.Ingress || rec.TrafficPath != 0 {
		t.Errorf("ingress: %s", show(&rec))
	}
	if rec, _ := at("EC2 to S3", 1); rec.Direction != flow.Egress || rec.TrafficPath != 8 {
		t.Errorf("egress: %s", show(&rec))
	}
	if rec, _ := at("captured 2016", 1); string(rec.InterfaceID) != "eni-12345678" || rec.Protocol != 17 {
		t.Errorf("short interface id: %s", show(&rec))
	}
	milli := strings.Replace(sample(t, "MILLISECOND").lines[0], "SKIPDATA", "OK", 1)
	if rec, result := parse(Default, milli); result != Parsed || rec.Start != 1512564058 || rec.End != 1512564059 {
		t.Errorf("milliseconds: result %d, %s", result, show(&rec))
	}
}

func TestPublishedEnvelopes(t *testing.T) {
	g := sample(t, "Complete CloudWatch Logs")
	if len(g.lines) != 3 {
		t.Fatalf("%d envelopes, want 3", len(g.lines))
	}
	for i, want := range []string{"control 1", "1", "2"} {
		got := read(t, Options{}, g.lines[i])
		summary := fmt.Sprint(len(got.records))
		if n := got.Skipped[flow.Control]; n > 0 {
			summary = fmt.Sprintf("control %d", n)
		}
		if summary != want || got.Failures != [flow.NumStages]uint64{} {
			t.Errorf("envelope %d: %s, want %s", i, got.show(), want)
		}
	}
	all := read(t, Options{}, strings.Join(g.lines, "\n"))
	if len(all.records) != 3 || all.Skipped.Sum() != 1 {
		t.Errorf("three in a row: %s", all.show())
	}
	if last := all.records[2]; !strings.Contains(last, "event=32700267005272614824908230066198952485659061324041748481") {
		t.Errorf("no event id in %s", last)
	}
}

// collected is all that reading a body told.
type collected struct {
	records  []string
	Skipped  flow.Reasons
	Failures [flow.NumStages]uint64
	blocks   int
}

func (c *collected) add(b *Block) error {
	if b.Void {
		*c = collected{blocks: c.blocks}
	}
	for i := range b.Records {
		c.records = append(c.records, show(&b.Records[i]))
	}
	for i, n := range b.Skipped {
		c.Skipped[i] += n
	}
	for i, n := range b.Failures {
		c.Failures[i] += n
	}
	c.blocks++
	return nil
}

func (c *collected) show() []string {
	return append(append([]string(nil), c.records...), showBlock(&Block{Skipped: c.Skipped, Failures: c.Failures})...)
}

// read reads one message with a new reader.
func read(t testing.TB, o Options, data string) *collected {
	t.Helper()
	var c collected
	if err := NewReader(o).Read(flow.Body{Data: []byte(data)}, c.add); err != nil {
		t.Fatal(err)
	}
	return &c
}

// readStream reads an object with a new reader.
func readStream(t testing.TB, o Options, data string) *collected {
	t.Helper()
	var c collected
	if err := NewReader(o).Read(flow.Body{Stream: bytes.NewReader([]byte(data))}, c.add); err != nil {
		t.Fatal(err)
	}
	return &c
}
