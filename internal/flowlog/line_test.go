package flowlog

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

const (
	v2Line = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
	v5     = `version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
		vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id
		pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path`
	v5Line = "5 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102::4071 34892 22 6 54 8855 " +
		"1477913708 1477913820 ACCEPT OK vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 19 IPv6 " +
		"2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102::4071 eu-west-1 euw1-az3 - - - S3 egress 8"
	tgwLine = "6 TransitGateway 123456789010 tgw-1 tgw-attach-1 111111111111 222222222222 vpc-src vpc-dst subnet-src subnet-dst " +
		"eni-src eni-dst use1-az1 use1-az2 tgw-attach-2 10.0.0.1 10.1.0.1 1024 443 6 7 800 1700000000 1700000060 OK IPv4 " +
		"0 0 0 0 3 us-east-1 %s - -"
)

// parse reads a line into a new record.
func parse(f *Format, line string) (flow.Record, Result) {
	var rec flow.Record
	result := f.Parse([]byte(line), &rec)
	return rec, result
}

func mustParse(t testing.TB, format string) *Format {
	t.Helper()
	f, err := ParseFormat(format)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// compare are the options under which two records are the same: hints may be there
// or not.
var compare = cmp.Options{
	cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(flow.Record{}, "UsualEnd"), cmpopts.IgnoreFields(flow.Names{}, "Usual"),
}

// hinted reports whether a record says at which end its usual address stands. It
// fails the test where that is not so.
func hinted(t testing.TB, rec *flow.Record) bool {
	t.Helper()
	if rec.UsualEnd == flow.DirectionUnknown {
		return false
	}
	own, other, family := rec.Src, rec.Dst, 0
	if rec.UsualEnd == flow.Ingress {
		own, other = other, own
	}
	if own.Is6() {
		family = 1
	}
	if usual := rec.Usual[family]; own != usual || other == usual || own.BitLen() != other.BitLen() || own.Is4In6() || own.Zone() != "" {
		t.Fatalf("%v to %v, usual are %v, at the end of %v", rec.Src, rec.Dst, rec.Usual, rec.UsualEnd)
	}
	return true
}

func TestParseLine(t *testing.T) {
	want := flow.Record{
		Names: &flow.Names{
			AccountID: []byte("123456789010"), InterfaceID: []byte("eni-1235b8ca123456789"),
			VPCID: []byte("vpc-abcdefab012345678"), SubnetID: []byte("subnet-aaaaaaaa012345678"), InstanceID: []byte("i-01234567890123456"),
			Region: []byte("eu-west-1"), AZID: []byte("euw1-az3"),
		},
		Src: netip.MustParseAddr("2001:db8:1234:a100:8d6e:3477:df66:f105"), Dst: netip.MustParseAddr("2001:db8:1234:a102::4071"),
		PktSrc: netip.MustParseAddr("2001:db8:1234:a100:8d6e:3477:df66:f105"), PktDst: netip.MustParseAddr("2001:db8:1234:a102::4071"),
		Packets: 54, Bytes: 8855, Start: 1477913708, End: 1477913820, SrcPort: 34892, DstPort: 22,
		Protocol: 6, TCPFlags: 19, TrafficPath: 8, Action: flow.Accept, Direction: flow.Egress,
	}
	got, result := parse(mustParse(t, v5), v5Line)
	if result != Parsed {
		t.Fatalf("result %d", result)
	}
	if diff := cmp.Diff(want, got, compare); diff != "" {
		t.Error(diff)
	}
}

// edit returns the default line with one column replaced.
func edit(column int, value string) string {
	words := strings.Fields(v2Line)
	words[column] = value
	return strings.Join(words, " ")
}

func TestResults(t *testing.T) {
	const srcaddr, srcport, protocol, packets, bytes, start, action, status = 3, 5, 7, 8, 9, 10, 12, 13
	for _, test := range []struct {
		name, line string
		want       Result
	}{
		{"good", v2Line, Parsed},
		{"runs of blanks and tabs", "  " + strings.ReplaceAll(v2Line, " ", " \t ") + "  ", Parsed},
		{"carriage return", v2Line + "\r", Parsed},
		{"one column less", strings.TrimSuffix(v2Line, " OK"), Mismatch},
		{"one column more", v2Line + " x", Mismatch},
		{"less and a bad value", "x x x x x", Mismatch},
		{"more and a bad value", edit(packets, "NaN") + " x", Mismatch},
		{"empty", "", Mismatch},
		{"blank", " \t\r", Mismatch},
		{"NaN", edit(packets, "NaN"), Malformed},
		{"negative", edit(bytes, "-5"), Malformed},
		{"plus sign", edit(bytes, "+5"), Malformed},
		{"float", edit(bytes, "1.5"), Malformed},
		{"exponent", edit(bytes, "1e3"), Malformed},
		{"hexadecimal", edit(bytes, "0x10"), Malformed},
		{"largest amount", edit(bytes, "9007199254740991"), Parsed},
		{"impossible amount", edit(bytes, "9007199254740992"), Malformed},
		{"huge amount", edit(bytes, "18446744073709551616"), Malformed},
		{"huger amount", edit(bytes, "99999999999999999999999"), Malformed},
		{"largest port", edit(srcport, "65535"), Parsed},
		{"huge port", edit(srcport, "65536"), Malformed},
		{"huge protocol", edit(protocol, "256"), Malformed},
		{"version is a number", edit(0, "two"), Malformed},
		{"bad address", edit(srcaddr, "300.1.1.1"), Malformed},
		{"zone", edit(srcaddr, "fe80::1%eth0"), Malformed},
		{"time in microseconds", edit(start, "1418530010000000"), Malformed},
		{"lower-case action", edit(action, "accept"), Malformed},
		{"unknown action", edit(action, "DROP"), Malformed},
		{"unknown status", edit(status, "FINE"), Malformed},
		{"NODATA", edit(status, "NODATA"), NoData},
		{"SKIPDATA", edit(status, "SKIPDATA"), SkipData},
		{"malformed NODATA", "2 1 eni-1 - - - - - NaN - 1 2 - NODATA", Malformed},
		{"status absent", edit(status, "-"), Parsed},
		{"status and traffic absent", "2 1 eni-1 - - - - - - - 1 2 - -", NoData},
		{"bytes absent under block public access", edit(bytes, "-"), Parsed},
		{"longest line", strings.Repeat(" ", MaxLine-len(v2Line)) + v2Line, Parsed},
		{"longer line", strings.Repeat(" ", MaxLine-len(v2Line)+1) + v2Line, Malformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, got := parse(Default, test.line); got != test.want {
				t.Errorf("result %d, want %d", got, test.want)
			}
		})
	}
}

func TestNumbersOfAnyKindButUnsignedAreMalformed(t *testing.T) {
	numbers := []string{"srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "tcp-flags", "traffic-path", "version",
		"encryption-status", "packets-lost-no-route"}
	for _, field := range numbers {
		f := mustParse(t, "srcaddr "+field)
		for _, value := range []string{"NaN", "Inf", "-1", "+1", "1.0", "1e2", "0x1", "1_0", "٣", "99999999999999999999", "1-"} {
			if _, got := parse(f, "10.0.0.1 "+value); got != Malformed {
				t.Errorf("%s %s: result %d, want malformed", field, value, got)
			}
		}
		if _, got := parse(f, "10.0.0.1 -"); got != Parsed {
			t.Errorf("%s -: result %d, want a record", field, got)
		}
	}
}

func TestEveryFieldMayBeAbsent(t *testing.T) {
	for _, name := range Fields() {
		f := mustParse(t, name)
		rec, result := parse(f, "-")
		want := Parsed
		if vital[name] {
			want = NoData
		}
		if result != want {
			t.Errorf("%s: result %d, want %d", name, result, want)
		}
		if diff := cmp.Diff(flow.Record{Names: new(flow.Names)}, rec, compare); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWithoutLogStatus(t *testing.T) {
	for _, test := range []struct {
		format, line string
		want         Result
	}{
		{"srcaddr dstaddr packets bytes start", "- - - - 1700000000", NoData},
		{"srcaddr dstaddr packets bytes start", "- - 1 - 1700000000", Parsed},
		{"instance-id packets", "i-1 -", NoData},
		{"instance-id start", "- -", Parsed}, // nothing in the format tells of traffic
	} {
		if _, got := parse(mustParse(t, test.format), test.line); got != test.want {
			t.Errorf("%s | %s: result %d, want %d", test.format, test.line, got, test.want)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, test := range []struct {
		written string
		want    int64
	}{
		{"1512564058", 1512564058},
		{"1512564058999", 1512564058},
		{"100000000000", 100000000000},
		{"100000000001", 100000000},
		{"100000000000000", 100000000000},
		{"0", 0},
		{"-", 0},
	} {
		rec, result := parse(mustParse(t, "srcaddr start"), "10.0.0.1 "+test.written)
		if result != Parsed || rec.Start != test.want {
			t.Errorf("%s: result %d, start %d, want %d", test.written, result, rec.Start, test.want)
		}
	}
}

func TestUnknownAccountIsAbsent(t *testing.T) {
	rec, result := parse(Default, edit(1, "unknown"))
	if result != Parsed || rec.AccountID != nil {
		t.Errorf("result %d, account %q", result, rec.AccountID)
	}
}

func TestTagsDoNotBreakColumns(t *testing.T) {
	f := mustParse(t, "instance-tag srcaddr interface-tag-2 dstaddr asg-tag")
	rec, result := parse(f, "web%20tier%2D1 10.0.0.1 %E2%98%83 10.0.0.2 -")
	if result != Parsed || rec.Src.String() != "10.0.0.1" || rec.Dst.String() != "10.0.0.2" {
		t.Errorf("result %d, %v -> %v", result, rec.Src, rec.Dst)
	}
}

func TestTransitGatewayRecordIsPlacedAtItsAttachment(t *testing.T) {
	for _, test := range []struct{ direction, want string }{
		{"ingress", "eni-src subnet-src vpc-src use1-az1 111111111111"},
		{"egress", "eni-dst subnet-dst vpc-dst use1-az2 222222222222"},
		{"-", "    123456789010"},
	} {
		rec, result := parse(TransitGateway, fmt.Sprintf(tgwLine, test.direction))
		got := fmt.Sprintf("%s %s %s %s %s", rec.InterfaceID, rec.SubnetID, rec.VPCID, rec.AZID, rec.AccountID)
		if result != Parsed || got != test.want {
			t.Errorf("%s: result %d, %q, want %q", test.direction, result, got, test.want)
		}
	}
	absent := strings.NewReplacer("eni-src", "-", "111111111111", "unknown").Replace(fmt.Sprintf(tgwLine, "ingress"))
	if rec, _ := parse(TransitGateway, absent); rec.InterfaceID != nil || string(rec.AccountID) != "123456789010" {
		t.Errorf("absent columns were taken: %q %q", rec.InterfaceID, rec.AccountID)
	}
}

func TestTextsAreViews(t *testing.T) {
	line := []byte(v2Line)
	var rec flow.Record
	Default.Parse(line, &rec)
	copy(line[2:], "999")
	if string(rec.AccountID) != "999456789010" {
		t.Errorf("account %q is a copy", rec.AccountID)
	}
	if cap(rec.AccountID) != len(rec.AccountID) {
		t.Error("appending to a text would overwrite the line")
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	var rec flow.Record
	for _, test := range []struct {
		name   string
		format *Format
		line   string
	}{
		{"default", Default, v2Line},
		{"29 fields, IPv6", mustParse(t, v5), v5Line},
		{"transit gateway", TransitGateway, fmt.Sprintf(tgwLine, "egress")},
		{"malformed", Default, edit(8, "NaN")},
	} {
		line := []byte(test.line)
		if n := testing.AllocsPerRun(100, func() { test.format.Parse(line, &rec) }); n != 0 {
			t.Errorf("%s: %v allocations per line", test.name, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, test := range []struct{ name, format, line string }{
		{"v2", Default.String(), v2Line},
		{"v5", v5, v5Line},
	} {
		b.Run(test.name, func(b *testing.B) {
			f, line := mustParse(b, test.format), []byte(test.line)
			var rec flow.Record
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				f.Parse(line, &rec)
			}
		})
	}
}
