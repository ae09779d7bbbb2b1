package flowlog

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// quickly reads a line by its format's plan into a record that was used before,
// with what else a buffer may hold behind it. It fails the test where Parse
// reads the line otherwise; quick is false when the plan leaves the line to it.
func quickly(t *testing.T, f *Format, rec *flow.Record, b *before, line string, end byte, behind string) (quick bool) {
	t.Helper()
	buf := append([]byte(line+string(end)+behind), strings.Repeat("0", windowSize)...)
	n, result := f.quick(windowAt(buf, 0), 0, end, rec, b)
	if n == 0 {
		return false
	}
	if int(n) > len(line) || buf[n] != end {
		t.Fatalf("%s\n%q\nends at %d", f, buf, n)
	}
	text := buf[:n]
	if plainRun(text) != len(text) {
		t.Fatalf("%q is not plain", text)
	}
	want, wantResult := parse(f, string(text))
	if result != wantResult {
		t.Fatalf("%s\n%q\nresult %d, Parse says %d", f, text, result, wantResult)
	}
	if result != Parsed {
		return true
	}
	if diff := cmp.Diff(want, *rec, compare); diff != "" {
		t.Fatalf("%s\n%q\n(-Parse +quick):\n%s", f, text, diff)
	}
	hinted(t, rec)
	return true
}

// used writes into a record what others add to it.
func used(rec *flow.Record) {
	rec.Subnet, rec.Direction, rec.Ambiguous = &flow.Subnet{}, flow.Egress, true
}

// usualValue is a value as AWS writes it.
func usualValue(r *rand.Rand, name string) string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	number := func(bits int) string { return fmt.Sprint(r.Uint64() >> (64 - 1 - r.IntN(bits))) }
	switch row := fieldByName[name]; {
	case name == logStatus:
		return pick("OK", "OK", "OK", "NODATA", "SKIPDATA")
	case row == nil || r.IntN(8) == 0:
		return "-"
	case name == "action":
		return pick("ACCEPT", "REJECT")
	case name == "flow-direction":
		return pick("ingress", "egress")
	case name == "account-id" || strings.HasSuffix(name, "vpc-account-id"):
		return pick("unknown", "123456789012")
	case row.op == opStart || row.op == opEnd:
		return fmt.Sprint(1_000_000_000 + r.IntN(9_000_000_000))
	case row.op == opPackets || row.op == opBytes:
		return number(49)
	case row.op == opSrcPort || row.op == opDstPort:
		return number(16)
	case row.op < numNumbers:
		return number(8)
	case row.op >= opSrc && row.op <= opPktDst && r.IntN(3) > 0:
		return netip.AddrFrom4([4]byte{byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(12)), byte(r.IntN(120))}).String()
	case row.op >= opSrc && row.op <= opPktDst:
		var b [16]byte
		for i := range b {
			b[i] = byte(r.Uint32()) >> r.IntN(9)
		}
		for i := range r.IntN(8) {
			b[2*i], b[2*i+1] = 0, 0
		}
		return netip.AddrFrom16(b).Unmap().String()
	}
	return pick("eni-1235b8ca123456789", "x", "use1-az1", "subnet-aaaaaaaa012345678", "arn:aws:ecs:eu-west-1:123456789012:cluster/a",
		strings.Repeat("a", 1+r.IntN(30)))
}

// usualFormat returns some fields in some order.
func usualFormat(t *testing.T, r *rand.Rand) *Format {
	names := Fields()
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = names[:1+r.IntN(min(40, len(names)))]
	if r.IntN(4) == 0 {
		names = append(names, "moon-phase")
	}
	if r.IntN(2) == 0 {
		names = append(names, "srcaddr dstaddr srcport protocol action")[:len(names)]
	}
	return mustParse(t, strings.Join(names, " "))
}

func usualLine(r *rand.Rand, f *Format) string {
	var words []string
	for _, name := range strings.Fields(strings.NewReplacer("${", "", "}", "").Replace(f.String())) {
		words = append(words, usualValue(r, name))
	}
	return strings.Join(words, " ")
}

// misprint changes some bytes of a text.
func misprint(r *rand.Rand, text string) string {
	const inserted = "-0 9.:\"\\\tAf\n\r\x00\x7f\x80\xff{}[],"
	for range 1 + r.IntN(3) {
		i := r.IntN(len(text) + 1)
		with := inserted[r.IntN(len(inserted)):][:1]
		switch r.IntN(4) {
		case 0:
			text = text[:i] + with + text[i:]
		case 1:
			text = text[:i] + with + text[min(i+1, len(text)):]
		case 2:
			text = text[:i] + text[min(i+1+r.IntN(3), len(text)):]
		case 3:
			from := r.IntN(len(text) + 1)
			text = text[:i] + text[from:min(from+r.IntN(9), len(text))] + text[i:]
		}
	}
	return text
}

// Lines of any format are read into a record that a line of the same format and
// others have used, and nothing of those is left.
func TestQuickEqualsParse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	formats := []*Format{Default, TransitGateway, mustParse(t, v5)}
	quick, misprinted := 0, 0
	for i := range 4000 {
		f := formats[i%len(formats)]
		if i%4 == 3 {
			f = usualFormat(t, r)
		}
		var rec flow.Record
		var b before
		for range 4 {
			line, end := usualLine(r, f), "\"\n"[r.IntN(2)]
			if f.attached { // Reader.place clears the record
				rec = flow.Record{}
			}
			if !quickly(t, f, &rec, &b, line, end, `},{"id":"`) {
				t.Fatalf("%s\n%q\nis not read by the plan", f, line)
			}
			quick++
			used(&rec)
			if f.attached {
				rec = flow.Record{}
			}
			if quickly(t, f, &rec, &b, misprint(r, line), end, misprint(r, line)) {
				misprinted++
			}
			used(&rec)
		}
	}
	if misprinted < quick/20 {
		t.Errorf("of %d misprinted lines %d are read by the plan", quick, misprinted)
	}
}

// Lines of one interface, which differ in little from the ones before, are read as
// Parse reads them, as are misprints of them.
func TestLinesOfOneInterfaceEqualParse(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	for _, f := range []*Format{Default, mustParse(t, v5)} {
		var rec flow.Record
		var b before
		times, opened, idle, misprinted := "1512564058 1512564118", 0, 0, 0
		for i := range 8000 {
			head := pick("2 123456789012 eni-1235b8ca123456789 ", "2 unknown eni-1235b8ca ", "2 - - ", "2 123456789012 eni-1235b8ca123456789abcdef ")
			if i%20 > 0 {
				head = "2 123456789012 eni-1235b8ca123456789 "
			}
			if r.IntN(20) == 0 {
				times = fmt.Sprintf("%d %d", 1_512_564_000+r.IntN(60), 1_512_564_060+r.IntN(60))
			}
			line := head + fmt.Sprintf("%s %s %d %d %d %d %d %s %s OK", usualValue(r, "srcaddr"), usualValue(r, "dstaddr"), r.IntN(1<<16), 443,
				r.IntN(256), r.Uint64()>>(40+r.IntN(24)), r.Uint64()>>(30+r.IntN(30)), times, pick("ACCEPT", "REJECT"))
			if r.IntN(10) == 0 {
				line = head + "- - - - - - - " + times + pick(" - NODATA", " - SKIPDATA", " ACCEPT NODATA")
			}
			if f != Default {
				line += " vpc-1 subnet-1 - 18 IPv4 10.0.0.1 10.0.0.2 - - - - - - egress 8"
			}
			if r.IntN(4) == 0 {
				if quickly(t, f, &rec, &b, misprint(r, line), '"', line) {
					misprinted++
				}
				used(&rec)
			}
			buf := append([]byte(line+`"`), make([]byte, windowSize)...)
			if b.format == f {
				w, copied := windowAt(buf, 0), rec
				if b.opening(w, 0, &copied) > 0 {
					opened++
				} else if n, _ := b.idle(w.from(0)); n > 0 {
					idle++
				}
			}
			if !quickly(t, f, &rec, &b, line, '"', line) {
				t.Fatalf("%q is not read by the plan", line)
			}
			used(&rec)
		}
		if opened < 2000 || idle < 200 || misprinted < 20 {
			t.Errorf("%s: %d lines are read by one look at each column, %d tell of no traffic, %d are misprinted", f, opened, idle, misprinted)
		}
	}
}

// oddly returns a text with each of its bytes changed, left out and doubled.
func oddly(text string) (all []string) {
	for i := range len(text) {
		for _, c := range "-0 9.:\"\\A\x00{" {
			all = append(all, text[:i]+string(c)+text[i+1:])
		}
		all = append(all, text[:i]+text[i+1:], text[:i+1]+text[i:])
	}
	return all
}

// Whatever byte of a line is another one, it is read as Parse reads it.
func TestEachByteOfAnOpeningIsLookedAt(t *testing.T) {
	const head = "2 123456789012 eni-1235b8ca123456789 "
	const tail = " 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
	usual := head + "172.31.16.139 172.31.16.21" + tail
	for _, line := range []string{
		usual, head + "172.31.16.13 10.1.2.3" + tail, head + "10.1.2.3 172.31.16.13" + tail, head + "172.31.16.13 172.31.16.13" + tail,
		head + "2001:db8::1 2001:db8::5" + tail, head + "2001:db8::5 2001:db8::1" + tail, head + "- - - - - - - 1418530010 1418530070 - NODATA", head + "- - - - - - - 1418530010 1418530070 - SKIPDATA",
		head + "2001:db8::1 2001:db8::2 0 0 58 1 72 1418530010 1418530070 REJECT OK",
	} {
		var b before
		quickly(t, Default, new(flow.Record), &b, line, '"', "")
		var before []*window
		for _, l := range []string{
			usual, head + "172.31.16.13 10.1.2.3" + tail, head + "10.1.2.4 172.31.16.13" + tail,
			head + "2001:db8::1 2001:db8::2" + tail, head + "2001:db8::3 2001:db8::1" + tail, line,
		} {
			before = append(before, windowAt(append([]byte(l+`"`), make([]byte, windowSize)...), 0))
		}
		for _, odd := range oddly(line) {
			var rec flow.Record
			b.format = nil // what follows is in another buffer
			for _, before := range before {
				if to, _ := Default.quick(before, 0, '"', &rec, &b); to == 0 || b.opened.head.size == 0 {
					t.Fatalf("%q is not read by the plan", before[:to])
				}
			}
			quickly(t, Default, &rec, &b, odd, '"', "")
		}
	}
}

// Addresses that were read before, and those that took their places, are read as
// Parse reads them, as is what only resembles them.
func TestKnownAddressesAreReadAsOthers(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	pool := make([]string, 3000)
	for i := range pool {
		if pool[i] = usualValue(r, "srcaddr"); i%3 == 0 {
			pool[i] = fmt.Sprintf("100.100.%d.%d", i/3%8, i%251) // of which only the ends differ
		}
	}
	for _, f := range []*Format{mustParse(t, "dstaddr pkt-srcaddr srcaddr bytes pkt-dstaddr"), Default} {
		var rec flow.Record
		var b before
		hints := 0
		for i := range 20_000 {
			among := pool[:min(len(pool), 10+i/5)]
			word := func() string {
				if r.IntN(60) == 0 {
					return []string{strings.Repeat("\x00", 7+r.IntN(9)), "-", "::1", "1.2.3.4@", "10.0.0.0\x00"}[r.IntN(5)]
				}
				return among[r.IntN(len(among))]
			}
			line := fmt.Sprintf("%s %s %s 5 %s", word(), word(), word(), word())
			if f == Default {
				ends := []string{word(), word()}
				if i%8 != 0 { // of one that changes now and then
					ends[i%3&1] = pool[i/50]
				}
				line = fmt.Sprintf("2 1 eni-1 %s %s 80 443 6 1 5 1512564058 1512564059 ACCEPT OK", ends[0], ends[1])
			}
			if quickly(t, f, &rec, &b, line, '\n', line) && f == Default && hinted(t, &rec) {
				hints++
			}
			if r.IntN(4) == 0 {
				quickly(t, f, &rec, &b, misprint(r, line), '"', line)
			}
		}
		if f == Default && hints < 8000 {
			t.Errorf("of %d records it is told at which end the usual address stands", hints)
		}
	}
}

// What the plan does not take it leaves to Parse: nothing is read in halves.
func TestUnusualLinesAreLeftToParse(t *testing.T) {
	for _, line := range []string{
		"", "2", v2Line + " ", " " + v2Line, strings.Replace(v2Line, " ", "  ", 1), strings.Replace(v2Line, " ", "\t", 1), v2Line + " x",
		edit(1, "a\x01"), edit(1, "é"), edit(1, `a\n`), edit(2, `eni"`), edit(3, "1.2.3"), edit(3, "1.2.3.4.5"), edit(3, "1.2.3.256"),
		edit(3, "1.2.3.04"), edit(3, "01.2.3.4"), edit(3, "1.2.3.0400"), edit(3, "1..3.4"), edit(3, "1.2.3.4x"), edit(3, ".1.2.3"), edit(3, "1.2.3.a"),
		edit(3, "1:2"), edit(3, "1:2:3:4:5:6:7:8:9"), edit(3, "1:2:3:4:5:6:7:8:"), edit(3, "1::2::3"), edit(3, "12345::"), edit(3, ":1::"),
		edit(3, "::ffff:1.2.3.4"), edit(3, "1:2:3:4:5:6:7:8::"), edit(3, "::1%eth0"), edit(3, "g::"), edit(3, ":::"), edit(3, "1:::2"),
		edit(5, "65536"), edit(5, "100000000"), edit(7, "256"), edit(7, "-6"), edit(7, "--"), edit(8, "1234567890123456"), edit(8, "NaN"), edit(8, "1.5"),
		edit(10, "151256405"), edit(10, "1512564058000"), edit(10, "15125640.8"), edit(12, "accept"), edit(12, "ACCEPTED"), edit(12, "--"),
		edit(13, "FINE"), edit(13, "OKAY"), edit(13, "O"), edit(13, "OK "), strings.Replace(v2Line, " ", strings.Repeat("x", lineRoom)+" ", 1),
	} {
		var rec flow.Record
		var b before
		if quickly(t, Default, &rec, &b, line, '\n', "") {
			t.Errorf("%q is read by the plan", line)
		}
	}
}

// Lines whose columns reach to the end of the room, or just beyond.
func TestLongestQuickLine(t *testing.T) {
	for _, test := range []struct{ format, line string }{
		{"pkt-srcaddr ecs-task-arn srcaddr", "9.9.9.9 %s 255.255.255.255"}, {"pkt-srcaddr ecs-task-arn srcaddr dstaddr", "9.9.9.9 %s 1.1.1.1 8.8.8.8"},
		{"dstport ecs-task-arn srcport protocol bytes", "80 %s 1 2 123456789012345"}, {"start ecs-task-arn end", "1512564058 %s 1512564059"},
		{"instance-id ecs-task-arn srcaddr action flow-direction log-status", "i %s ::1 ACCEPT ingress SKIPDATA"},
	} {
		f, quick := mustParse(t, test.format), 0
		for n := lineRoom - 100; n < lineRoom+10; n++ {
			var rec flow.Record
			var b before
			if quickly(t, f, &rec, &b, fmt.Sprintf(test.line, strings.Repeat("a", n)), '\n', "") {
				quick++
			}
		}
		if quick == 0 || quick > 100 {
			t.Errorf("%s: %d lines are read by the plan", f, quick)
		}
	}
}

func FuzzLinePair(f *testing.F) {
	f.Add(Default.String(), v2Line, edit(13, "NODATA"), byte('"'))
	f.Add(v5, v5Line, strings.Replace(v5Line, "2001:db8:1234:a102::4071", "10.0.0.1", 2), byte('\n'))
	f.Add(TransitGateway.String(), fmt.Sprintf(tgwLine, "ingress"), fmt.Sprintf(tgwLine, "-"), byte('"'))
	f.Add("srcaddr packets bytes", "- - -", "::1 123456789 123456789012345", byte('\n'))
	f.Add("flow-direction moon account-id log-status", "egress full unknown OK", "- - - -", byte('"'))
	f.Fuzz(func(t *testing.T, text, first, line string, end byte) {
		format, err := ParseFormat(text)
		if err != nil {
			return
		}
		if end != '"' {
			end = '\n'
		}
		var rec flow.Record
		var b before
		quickly(t, format, &rec, &b, first, end, line)
		used(&rec)
		if format.attached {
			rec = flow.Record{}
		}
		quickly(t, format, &rec, &b, line, end, first)
	})
}
