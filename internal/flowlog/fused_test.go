package flowlog

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// awsEnvelope writes an envelope byte by byte as CloudWatch Logs does: events of
// the same time follow each other.
func awsEnvelope(logGroup, logStream string, lines ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"%s","logStream":"%s","subscriptionFilters":["f"],"logEvents":[`,
		logGroup, logStream)
	for i, line := range lines {
		fmt.Fprintf(&b, `{"id":"383126802733861748093138613364012151066434827967%08d","timestamp":17180000%05d,"message":"%s"},`, i, i/3, line)
	}
	return strings.TrimSuffix(b.String(), ",") + "]}"
}

// asked remembers all deliveries that were asked of, and takes none twice.
type askedDeliveries struct{ log []string }

func (a *askedDeliveries) Fresh(logStream, first, last []byte, events int) bool {
	asked := fmt.Sprintf("%s %s %s %d", logStream, first, last, events)
	a.log = append(a.log, asked)
	return strings.Count(strings.Join(a.log, "\n"), asked) == 1
}

// byName finds the formats that a log group is named after.
type byName map[string]*Set

func (n byName) For(logGroup []byte) *Set {
	if s := n[string(logGroup)]; s != nil {
		return s
	}
	return byDefault
}

// named are the formats of the log groups in these tests.
var named = byName{
	"v5": Fixed(mustFormat(v5)), "tgw": Fixed(TransitGateway), "tiny": Fixed(mustFormat("srcaddr packets")), "both": Fixed(Default, TransitGateway),
	"same":  Fixed(mustFormat("srcaddr packets"), mustFormat("dstaddr start")),
	"start": Fixed(mustFormat("start srcaddr dstaddr flow-direction interface-id")),
}

// outcome is all that reading a body has told.
type outcome struct {
	Told   []string
	Blocks []int
	Asked  []string
	Log    string
	Read   int
	OK     bool
}

// documentsIn reads documents one body behind the other, with a reader that has
// room for windows or, so that it reads in the general way, has not.
func documentsIn(t *testing.T, bodies []string, room int) (all []outcome, fused int) {
	t.Helper()
	var log bytes.Buffer
	var known askedDeliveries
	plain := slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	r := NewReader(Options{Formats: named, Deliveries: &known, Logger: slog.New(plain)})
	for _, body := range bodies {
		var o outcome
		var c collected
		buf := append(make([]byte, 0, len(body)+room), body...)
		for i := range buf[len(buf):cap(buf)] {
			buf[len(buf):cap(buf)][i] = `5"},{"id":`[i%10]
		}
		s := scanner{buf: buf}
		r.reset()
		r.yield = func(b *Block) error { return o.take(&c, b) }
		if ok, err := r.fused(&s); ok && err == nil {
			fused++
		}
		r.reset()
		o, c = outcome{}, collected{}
		known.log, r.notices = nil, &Notices{}
		log.Reset()
		o.Read, o.OK, _ = r.documents(buf, false)
		if err := r.flush(); err != nil {
			t.Fatal(err)
		}
		o.Told, o.Asked, o.Log = c.show(), known.log, log.String()
		all = append(all, o)
	}
	return all, fused
}

// take collects a block and uses its records as others do.
func (o *outcome) take(c *collected, b *Block) error {
	err := c.add(b)
	o.Blocks = append(o.Blocks, len(b.Records))
	for i := range b.Records {
		used(&b.Records[i])
	}
	return err
}

// pair reads bodies in both ways, which must tell the same.
func pair(t *testing.T, bodies ...string) (fused int) {
	t.Helper()
	want, _ := documentsIn(t, bodies, 0)
	got, fused := documentsIn(t, bodies, windowSize)
	for i := range want {
		if diff := cmp.Diff(want[i], got[i], compare); diff != "" {
			t.Fatalf("%q (-general +fused):\n%s", bodies[i], diff)
		}
	}
	return fused
}

// usualEnvelope is an envelope with lines of all kinds.
func usualEnvelope(r *rand.Rand, group string, f *Format) string {
	lines := make([]string, 1+r.IntN(8))
	for i := range lines {
		if lines[i] = usualLine(r, f); r.IntN(30) == 0 {
			lines[i] = "one word too many " + lines[i]
		}
	}
	return awsEnvelope(group, []string{"eni-12ab-all", "flows"}[r.IntN(2)], lines...)
}

// Envelopes and misprinted ones, of log groups with several formats, by one reader.
func TestFusedEqualsGeneral(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	groups := []string{"v2", "v5", "tgw", "tiny", "both", "same", "start"}
	fused, all := 0, 0
	for range 300 {
		var bodies []string
		for range 6 {
			group := groups[r.IntN(len(groups))]
			in := named.For([]byte(group)).Formats()
			body := usualEnvelope(r, group, in[r.IntN(len(in))])
			if r.IntN(3) == 0 {
				body += body + usualEnvelope(r, "v5", named["v5"].formats[0])
			}
			bodies = append(bodies, body, misprint(r, body))
		}
		fused += pair(t, bodies...)
		all += len(bodies)
	}
	if fused < all/2 {
		t.Errorf("of %d envelopes, half of them misprinted, %d are read in one pass", all, fused)
	}
}

// What CloudWatch Logs writes is read in one pass, or nobody would see how slow
// the reader has become.
func TestUsualEnvelopesAreFused(t *testing.T) {
	many := make([]string, 2*BlockRecords+5)
	for i := range many {
		many[i] = strings.Replace(v2Line, "20641", fmt.Sprint(i), 1)
	}
	usual := awsEnvelope("g", "eni-1-all", v2Line, edit(13, "NODATA"), v2Line)
	odd := append(append([]string(nil), many...), "2 "+v2Line, edit(13, "FINE"), `  spaced`)
	for name, body := range map[string]string{
		"usual":              usual,
		"29 fields":          awsEnvelope("v5", "eni-1-all", v5Line, v5Line),
		"transit gateway":    awsEnvelope("tgw", "tgw-1", fmt.Sprintf(tgwLine, "ingress"), fmt.Sprintf(tgwLine, "egress")),
		"two formats":        awsEnvelope("both", "s", fmt.Sprintf(tgwLine, "ingress"), v2Line, fmt.Sprintf(tgwLine, "egress")),
		"without interface":  awsEnvelope("tiny", "eni-1-all", "10.0.0.1 1", "- -", "10.0.0.1 1"),
		"keys elsewhere":     strings.Replace(`{"policyLevel":"ACCOUNT_LEVEL_POLICY",`+usual[1:], `]}`, `],"x":{}}`, 1),
		"odd lines":          awsEnvelope("g", "eni-1-all", "odd", v2Line, edit(8, "NaN"), "", "x {", v2Line),
		"more than a block":  awsEnvelope("g", "eni-1-all", many...),
		"just a block":       awsEnvelope("g", "eni-1-all", many[:BlockRecords]...),
		"odd behind a block": awsEnvelope("g", "eni-1-all", odd...),
		"odd and full":       awsEnvelope("g", "eni-1-all", append([]string{"odd"}, many[:BlockRecords]...)...),
	} {
		if pair(t, body) != 1 {
			t.Errorf("%s: not read in one pass", name)
		}
		if pair(t, body, body+body, awsEnvelope("v5", "eni-1-all", v5Line)+body) != 3 {
			t.Errorf("%s and others: not read in one pass", name)
		}
	}
}

// Whatever byte of an event is another one, it is read in one pass as it is read
// without.
func TestEachByteOfAnEventIsLookedAt(t *testing.T) {
	talk := talk()
	for _, lines := range [][]string{slices.Repeat([]string{v2Line}, 6), slices.Concat(talk[:4], talk[16:])} {
		body := awsEnvelope("g", "eni-1-all", lines...)
		// The last two, which are of the same time as the one before.
		from := strings.Index(body, fmt.Sprintf("434827967%08d", len(lines)-2))
		for _, odd := range oddly(body[from:]) {
			pair(t, body, body[:from]+odd) // the first one makes places ready
		}
	}
}

// talk are the lines of an interface that talks to some others.
func talk() (lines []string) {
	for _, ends := range [][2]string{
		{"10.0.0.1", "192.0.2.11"}, {"10.0.0.1", "192.0.2.22"}, {"192.0.2.11", "10.0.0.1"}, {"10.0.0.1", "192.0.2.11"}, {"192.0.2.22", "10.0.0.1"},
		{"2001:db8::1", "2001:db8::2"}, {"2001:db8::3", "2001:db8::1"}, {"10.0.0.1", "198.51.100.250"}, {"198.51.100.250", "10.0.0.1"},
		{"2001:db8::1", "2001:db8::2"}, {"10.0.0.1", "192.0.2.22"}, {"192.0.2.22", "192.0.2.11"}, {"10.0.0.1", "10.0.0.1"}, {"192.0.2.11", "10.0.0.1"},
		{"2001:db8::2", "2001:db8::1"}, {"10.0.0.1", "192.0.2.11"}, {"10.0.0.1", "192.0.2.22"}, {"192.0.2.22", "10.0.0.1"},
	} {
		lines = append(lines, fmt.Sprintf("2 123456789012 eni-1235b8ca123456789 %s %s 443 50123 6 20 4249 1418530010 1418530070 ACCEPT OK", ends[0], ends[1]))
	}
	return lines
}

// What stands behind the data is not read, not even where it would go on so well.
func TestEventsEndWithTheData(t *testing.T) {
	body := awsEnvelope("g", "eni-1-all", talk()...)
	buf := append(make([]byte, 0, len(body)+windowSize), body...)
	r := NewReader(Options{})
	read := func(data []byte) []string {
		var c collected
		r.reset()
		r.yield = c.add
		if _, _, err := r.documents(data, false); err != nil {
			t.Fatal(err)
		}
		if err := r.flush(); err != nil {
			t.Fatal(err)
		}
		return c.show()
	}
	for cut := strings.LastIndex(body, `{"id":`) - 200; cut < len(body); cut++ {
		want := read(buf[:cut:cut])
		read(buf) // makes places ready
		got := read(buf[:cut])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%d of %d bytes (-general +fused):\n%s", cut, len(body), diff)
		}
	}
}

// An IPv4 address may be written as IPv6, and be usual all the same.
func TestUsualEndWrittenAsIPv6(t *testing.T) {
	var lines []string
	for _, ends := range []string{
		"10.0.0.1 192.0.2.1", "10.0.0.1 192.0.2.2", "10.0.0.1 192.0.2.1", "::ffff:102:304 192.0.2.1", "192.0.2.2 ::ffff:102:304",
		"10.0.0.1 192.0.2.1", "1.2.3.4 192.0.2.1", "::ffff:102:304 1.2.3.4", "1.2.3.4 192.0.2.2", "10.0.0.1 192.0.2.2",
	} {
		lines = append(lines, strings.Replace(v2Line, "172.31.16.139 172.31.16.21", ends, 1))
	}
	r := NewReader(Options{})
	for range 2 {
		hints := 0
		err := r.Read(flow.Body{Data: []byte(awsEnvelope("g", "eni-1-all", lines...))}, func(b *Block) error {
			for i := range b.Records {
				if hinted(t, &b.Records[i]) {
					hints++
				}
			}
			return nil
		})
		if err != nil || hints < 5 {
			t.Errorf("%d hints (%v)", hints, err)
		}
	}
}

// TestUsualEnds: from the third record of a family on, a record says at which end
// the address of its interface stands.
func TestUsualEnds(t *testing.T) {
	r := NewReader(Options{})
	body := flow.Body{Data: []byte(awsEnvelope("g", "eni-1-all", talk()...))}
	for range 2 {
		var got []flow.Direction
		err := r.Read(body, func(b *Block) error {
			for i := range b.Records {
				hinted(t, &b.Records[i])
				got = append(got, b.Records[i].UsualEnd)
			}
			return nil
		})
		const no, in, out = flow.DirectionUnknown, flow.Ingress, flow.Egress
		if want := []flow.Direction{no, no, in, out, in, no, in, out, in, out, out, no, no, in, in, out, out, in}; err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v (%v), want %v", got, err, want)
		}
	}
}

// However a message is coded, there is room for windows behind it.
func TestCodedEnvelopesAreFused(t *testing.T) {
	usual := awsEnvelope("g", "eni-1-all", v2Line, v2Line)
	lines := strings.Repeat(v2Line+"\n", 3)
	for name, body := range map[string]flow.Body{
		"plain": {Data: []byte(usual)}, "gzip": {Data: []byte(zip(usual))}, "zstd": {Data: []byte(zst(usual))}, "base64": {Data: []byte(b64(zip(usual)))},
		"base64 of JSON": {Data: []byte(b64(usual))}, "aggregated": {Data: []byte(kpl(usual))}, "aggregated gzip": {Data: []byte(kpl(zip(usual)))},
		"text": {Data: []byte(lines)}, "gzip text": {Data: []byte(zip(lines))},
		"stream": {Stream: strings.NewReader(usual)}, "gzip stream": {Stream: strings.NewReader(zip(usual))}, "text stream": {Stream: strings.NewReader(zip(lines))},
	} {
		r := NewReader(Options{})
		if err := r.Read(body, func(*Block) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if r.written.by != Default || r.written.to < 2 {
			t.Errorf("%s: not read in one pass", name)
		}
	}
}

// A buffer is used again, and what lines had in common in it means nothing then.
func TestNothingIsRememberedOfAnotherBuffer(t *testing.T) {
	r := NewReader(Options{Formats: Fixed(mustParse(t, "account-id interface-id srcaddr"))})
	for _, test := range []struct{ line, account string }{{"ab c", "ab"}, {"a bc", "a"}, {"ab c", "ab"}} {
		body := awsEnvelope("g", "s", test.line+" 10.0.0.1", test.line+" 10.0.0.2")
		for name, body := range map[string]flow.Body{"data": {Data: []byte(body)}, "stream": {Stream: strings.NewReader(body)}} {
			err := r.Read(body, func(b *Block) error {
				for i := range b.Records {
					if got := string(b.Records[i].AccountID); got != test.account {
						t.Errorf("%s of %s: account %q, want %q", name, test.line, got, test.account)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Lines that are alike but for what their envelopes say have their own names, also
// where the envelope between is one that came before.
func TestEnvelopesSayWhoseTheirLinesAre(t *testing.T) {
	envelope := func(eni string) string { return awsEnvelope("tiny", eni+"-all", "10.0.0.1 5", "10.0.0.1 6") }
	together := envelope("eni-1") + envelope("eni-2") + envelope("eni-1") + envelope("eni-3")
	if pair(t, together) != 1 {
		t.Error("not read in one pass")
	}
	got := read(t, Options{Formats: named, Deliveries: &askedDeliveries{}}, together).records
	for i, eni := range []string{"eni-1", "eni-1", "eni-2", "eni-2", "eni-3", "eni-3"} {
		if len(got) != 6 || !strings.Contains(got[i], " interface="+eni+" ") {
			t.Fatalf("record %d is not of %s in %q", i, eni, got)
		}
	}
}

// What an envelope says of its lines is not said of lines of text.
func TestEnvelopesLeaveNothingInLines(t *testing.T) {
	for _, format := range []string{"srcaddr packets", Default.String()} {
		r := NewReader(Options{Formats: Fixed(mustParse(t, format))})
		line := map[bool]string{true: "10.0.0.1 1", false: v2Line}[format == "srcaddr packets"]
		text := strings.Repeat(line+"\n", 3)
		want := read(t, Options{Formats: Fixed(mustParse(t, format))}, text).show()
		var got collected
		for _, body := range []string{awsEnvelope("g", "eni-1-all", line, line, line), text} {
			got = collected{}
			if err := r.Read(flow.Body{Data: []byte(body)}, got.add); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, got.show()); diff != "" {
			t.Errorf("(-new +used):\n%s", diff)
		}
	}
}

// A line is read in the first format that Parse can read it in, even if only a
// later one has a plan for the way it is written.
func TestFirstFormatWinsOverPlans(t *testing.T) {
	o := Options{Formats: Fixed(mustParse(t, "dstaddr start"), mustParse(t, "srcaddr packets"))}
	got := read(t, o, awsEnvelope("g", "s", "10.0.0.1 1512564058", "10.0.0.1 1512564058000")).records
	if len(got) != 2 || !strings.Contains(got[1], " dst=10.0.0.1 start=1512564058 ") {
		t.Errorf("%q", got)
	}
}

// The end of a body is no line end, whatever an earlier one has left behind it.
func TestNothingIsReadBehindTheEnd(t *testing.T) {
	r := NewReader(Options{})
	long := strings.Repeat(v2Line+"\n", 100)
	for _, body := range []string{long, long[:4*len(v2Line)], long, long[:4*len(v2Line)+3], awsEnvelope("g", "s", v2Line, v2Line),
		awsEnvelope("g", "s", v2Line, v2Line)[:400]} {
		want := read(t, Options{}, body).show()
		var got collected
		if err := r.Read(flow.Body{Data: []byte(body)}, got.add); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.show()); diff != "" {
			t.Errorf("a used reader reads otherwise (-new +used):\n%s", diff)
		}
	}
}

// What is otherwise leaves nothing behind, whether it shows at once or late.
func TestSurprisesAreLeftToTheGeneralWay(t *testing.T) {
	usual := awsEnvelope("g", "eni-1-all", v2Line, v2Line, v2Line)
	from := func(old, with string) string {
		at := strings.LastIndex(usual, old)
		return usual[:at] + with + usual[at+len(old):]
	}
	many := strings.Repeat(v2Line+"|", BlockRecords+3)
	long := awsEnvelope("g", "eni-1-all", strings.Split(many, "|")...)
	for name, body := range map[string]string{
		"no end": usual[:len(usual)-1], "no end of the list": usual[:len(usual)-2], "cut in a line": usual[:len(usual)-30],
		"blank": from(`,"message"`, ` ,"message"`), "short id": from(`"id":"3`, `"id":"`), "long id": from(`"id":"3`, `"id":"33`),
		"letter in id": from(`"id":"3`, `"id":"a`), "time of 12 digits": from(`:17`, `:1`), "time with 0 in front": from(`:17`, `:07`), "time of 14 digits": from(`:17`, `:171`),
		"id that is a number": from(`"383`, `383`), "key again": from(`"}]`, `","id":"7"}]`), "extracted": from(`"}]`, `","extractedFields":{}}]`),
		"escape": from("ACCEPT", `\u0041CCEPT`), "not ASCII": from("ACCEPT", "é"), "control character": from("ACCEPT", "A\x01"), "tab": from("ACCEPT", "A\t"),
		"events again": from(`]}`, `],"logEvents":[]}`), "no events behind": from(`]}`, `],"logEvents":null}`), "group behind": from(`]}`, `],"logGroup":"v5"}`),
		"owner behind": from(`]}`, `],"owner":null}`), "type behind": from(`]}`, `],"messageType":"CONTROL_MESSAGE"}`),
		"stream behind": from(`]}`, `],"log\u0053tream":"eni-2"}`), "broken behind": from(`]}`, `],"x":}`), "comma at the end": from(`]}`, `,]}`),
		"no comma": strings.Replace(usual, `"},{`, `"}{`, 1), "no events": awsEnvelope("g", "s"), "control": strings.Replace(usual, "DATA_", "CONTROL_", 1),
		"foreign": strings.Replace(usual, "DATA_", "", 1), "escaped group": strings.Replace(usual, `"g"`, `"\u0067"`, 1), "object": from(`"2 123`, `{"2":"3`),
		"late and long": long[:len(long)-2] + `x]}`, "long and broken behind": long[:len(long)-1] + `,}`, "long and escaped": long[:len(long)-3] + `\n"}]}`,
	} {
		if pair(t, body) != 0 {
			t.Errorf("%s: read in one pass", name)
		}
		pair(t, usual, body, usual+body+usual, long+body)
	}
}

func FuzzEnvelopePair(f *testing.F) {
	f.Add([]byte(awsEnvelope("g", "eni-1-all", v2Line, edit(13, "NODATA"), "odd", v2Line)), []byte(awsEnvelope("v5", "s", v5Line)))
	f.Add([]byte(awsEnvelope("tiny", "eni-1-all", "10.0.0.1 1", "- -")), []byte(awsEnvelope("start", "eni-2", "1512564058 ::1 - egress -")))
	f.Add([]byte(awsEnvelope("both", "s", fmt.Sprintf(tgwLine, "ingress"), v2Line)), []byte(awsEnvelope("tgw", "s", fmt.Sprintf(tgwLine, "egress"))))
	f.Add([]byte(strings.Replace(awsEnvelope("g", "s", v2Line), `"}]`, `","x":1}],"owner":"1"`, 1)), []byte(envelope("g", "eni-1", v2Line)))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		pair(t, string(a), string(b), string(b)+string(a), string(a)+string(a))
	})
}

// envelopes makes envelopes with lines as they are in a VPC.
func realistic(records int) []string {
	r := rand.New(rand.NewPCG(5, 6))
	lines := make([]string, records)
	for i := range lines {
		ends := []string{"10.80.166.125", fmt.Sprintf("%d.%d.%d.%d", 1+r.IntN(220), r.IntN(256), r.IntN(256), r.IntN(256))}
		if r.IntN(10) == 0 {
			ends = []string{"2a05:d018:c05:6104:7371:9663:f1f9:b43d", fmt.Sprintf("2600:1f6e:%x::%x:%x", r.IntN(1<<16), r.IntN(256), r.IntN(1<<16))}
		}
		ports := []int{1024 + r.IntN(64512), 443}
		one := r.IntN(2)
		packets := 1 << r.IntN(12)
		status := fmt.Sprintf("%s %s %d %d 6 %d %d 17180000%02d 17180000%02d ACCEPT OK", ends[one], ends[1-one], ports[one], ports[1-one],
			packets, packets*(40+r.IntN(1400)), r.IntN(5), 30+r.IntN(5))
		if r.IntN(50) == 0 {
			status = "- - - - - - - 1718000001 1718000061 - NODATA"
		}
		lines[i] = "2 419720474667 eni-bb23317d0105349f3 " + status
	}
	return lines
}

// BenchmarkEnvelope is what the one pass over a decompressed envelope costs, and
// what the general way does.
func BenchmarkEnvelope(b *testing.B) {
	lines := realistic(220)
	behind := " vpc-250af20ebab4017e3 subnet-c2a9dbd0a3255ebff i-70c17dd0cebad256a 18 IPv4 10.80.103.116 10.80.166.125 us-east-1 use1-az1 - - - - ingress -"
	for _, test := range []struct {
		name, format, behind string
		room                 int
	}{{"v2", Default.String(), "", windowSize}, {"v5", v5, behind, windowSize}, {"v2 general", Default.String(), "", 0}, {"v5 general", v5, behind, 0}} {
		b.Run(test.name, func(b *testing.B) {
			long := make([]string, len(lines))
			for i := range lines {
				long[i] = lines[i] + test.behind
			}
			text := awsEnvelope("vpc-flow-logs", "eni-bb23317d0105349f3-all", long...)
			buf := append(make([]byte, 0, len(text)+test.room), text...)
			r := NewReader(Options{Formats: Fixed(mustParse(b, test.format))})
			r.yield = func(*Block) error { return nil }
			b.ReportAllocs()
			for b.Loop() {
				_, _, _ = r.documents(buf, false)
				_ = r.flush()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(lines)), "ns/record")
		})
	}
}

// BenchmarkText is what lines of text cost in a stream.
func BenchmarkText(b *testing.B) {
	lines := strings.Join(realistic(20_000), "\n") + "\n"
	r := NewReader(Options{})
	b.ReportAllocs()
	for b.Loop() {
		_ = r.Read(flow.Body{Stream: strings.NewReader(lines)}, func(*Block) error { return nil })
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*20_000), "ns/record")
}
