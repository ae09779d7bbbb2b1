package denylog

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// refused is a record as the default format and an address book yield it. The
// line is AWS's own example of rejected RDP traffic:
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
func refused() flow.Record {
	return flow.Record{
		Names: &flow.Names{AccountID: []byte("123456789010"), InterfaceID: []byte("eni-1235b8ca123456789")},
		Src:   netip.MustParseAddr("172.31.9.69"), Dst: netip.MustParseAddr("172.31.9.12"),
		SrcPort: 49761, DstPort: 3389, Protocol: 6, Packets: 20, Bytes: 4249,
		Start: 1418530010, End: 1418530070, Action: flow.Reject,
		Direction: flow.Ingress,
		Subnet:    &flow.Subnet{CIDR: "172.31.0.0/20", ID: "subnet-0a", VPCID: "vpc-0b", AZID: "use1-az2", AccountID: "999"},
	}
}

// full is a refused record with every field set, without an address book.
func full() flow.Record {
	r := refused()
	r.Subnet = nil
	r.Src, r.Dst = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	r.SrcPort, r.DstPort, r.Protocol, r.TCPFlags = 0, 0, 58, 2
	r.VPCID, r.SubnetID, r.AZID = []byte("vpc-0c"), []byte("subnet-0d"), []byte("use1-az4")
	r.InstanceID, r.Region, r.RejectReason = []byte("i-01234567890123456"), []byte("us-east-1"), []byte("BPA")
	r.EventID, r.Direction = []byte("35689150003638405"), flow.Egress
	return r
}

func TestLines(t *testing.T) {
	bare := flow.Record{Action: flow.Reject, Protocol: 253, Names: &flow.Names{}}
	tests := []struct {
		name   string
		form   form
		record flow.Record
		want   string
	}{
		{"json", formJSON, refused(), `{"time":"2014-12-14T04:06:50Z","msg":"POLICY_DENIED","src_ip":"172.31.9.69","src_port":49761,"dst_ip":"172.31.9.12","dst_port":3389,"protocol":6,"packets":20,"bytes":4249,"direction":"ingress","subnet":"172.31.0.0/20","subnet_id":"subnet-0a","vpc_id":"vpc-0b","az_id":"use1-az2","account_id":"123456789010","interface_id":"eni-1235b8ca123456789","source":"kinesis"}`},
		{"json full", formJSON, full(), `{"time":"2014-12-14T04:06:50Z","msg":"POLICY_DENIED","src_ip":"2001:db8::1","src_port":0,"dst_ip":"2001:db8::2","dst_port":0,"protocol":58,"tcp_flags":2,"packets":20,"bytes":4249,"direction":"egress","subnet_id":"subnet-0d","vpc_id":"vpc-0c","az_id":"use1-az4","account_id":"123456789010","region":"us-east-1","interface_id":"eni-1235b8ca123456789","instance_id":"i-01234567890123456","reject_reason":"BPA","source":"kinesis","id":"35689150003638405"}`},
		{"json bare", formJSON, bare, `{"msg":"POLICY_DENIED","src_port":0,"dst_port":0,"protocol":253,"packets":0,"bytes":0,"source":"kinesis"}`},
		{"logfmt", formLogfmt, refused(), `time=2014-12-14T04:06:50Z msg=POLICY_DENIED src_ip=172.31.9.69 src_port=49761 dst_ip=172.31.9.12 dst_port=3389 protocol=6 packets=20 bytes=4249 direction=ingress subnet="172.31.0.0/20" subnet_id=subnet-0a vpc_id=vpc-0b az_id=use1-az2 account_id=123456789010 interface_id=eni-1235b8ca123456789 source=kinesis`},
		{"legacy", formLegacy, refused(), `POLICY_DENIED: src:172.31.9.69 dst:172.31.9.12 srcport:49761 dstport:3389 proto:TCP packets:20 timestamp:2014-12-14 04:06:50 +0000 UTC`},
		{"legacy IPv6", formLegacy, full(), `POLICY_DENIED: src:2001:db8::1 dst:2001:db8::2 srcport:0 dstport:0 proto:IPV6-ICMP packets:20 timestamp:2014-12-14 04:06:50 +0000 UTC`},
		{"legacy bare", formLegacy, bare, `POLICY_DENIED: src:- dst:- srcport:0 dstport:0 proto:253 packets:0 timestamp:-`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The prefix shows that the encoder appends and looks at its own line only.
			got := string(tt.form.record([]byte("before\n"), "kinesis", &tt.record))
			if want := "before\n" + tt.want; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestSummaryLines(t *testing.T) {
	now := time.Unix(1418530010, 5).In(time.FixedZone("", 3600))
	tests := map[form]string{
		formJSON:   `{"time":"2014-12-14T04:06:50Z","msg":"POLICY_DENIED_SUPPRESSED","suppressed":17}`,
		formLogfmt: `time=2014-12-14T04:06:50Z msg=POLICY_DENIED_SUPPRESSED suppressed=17`,
		formLegacy: `POLICY_DENIED_SUPPRESSED: suppressed:17 timestamp:2014-12-14 04:06:50 +0000 UTC`,
	}
	for f, want := range tests {
		if got := string(f.summary(nil, now, 17)); got != want {
			t.Errorf("form %d: got %s, want %s", f, got, want)
		}
	}
}

func TestHostileText(t *testing.T) {
	tests := []struct{ name, in, json, logfmt string }{
		{"quote", `a"b\c`, `"a\"b\\c"`, `"a\"b\\c"`},
		{"newline", "a\nb", `"a\u000ab"`, `"a\u000ab"`},
		{"terminal escape", "\x1b[2J\x7f", `"\u001b[2J\u007f"`, `"\u001b[2J\u007f"`},
		{"C1 control", "\u009b2J", `"\u009b2J"`, `"\u009b2J"`},
		{"line separator", "a\u2028b", `"a\u2028b"`, `"a\u2028b"`},
		{"not UTF-8", "a\xffb\xe2\x80", `"a\ufffdb\ufffd\ufffd"`, `"a\ufffdb\ufffd\ufffd"`},
		{"forged pair", "x msg=POLICY_DENIED", `"x msg=POLICY_DENIED"`, `"x msg=POLICY_DENIED"`},
		{"umlaut", "zürich", `"zürich"`, `"zürich"`},
		{"bare", "eni-0a.b:c_D", `"eni-0a.b:c_D"`, `eni-0a.b:c_D`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for f, want := range map[form]string{formJSON: `{"k":` + tt.json + `}`, formLogfmt: `k=` + tt.logfmt} {
				l := begin(f, nil)
				l.bytes("k", []byte(tt.in))
				if got := string(l.end()); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
}

// FuzzLine: whatever a record holds, a line is one line of valid UTF-8, and
// JSON reads back as the values that went in.
func FuzzLine(f *testing.F) {
	f.Add("kinesis", "vpc-1", "eni-1", "35689", uint64(1), int64(1418530010), "fe80::1%eth0")
	f.Add("a\"\\\n\x00\x7f\xff", "\u2028\u009b", "\xed\xa0\x80", "\ufffd", ^uint64(0), int64(-1), "10.0.0.1")
	f.Add("", " ", "=", "\r\n", uint64(0), int64(1)<<62, "fe80::1%\"\n")
	f.Fuzz(func(t *testing.T, source, vpcID, eni, id string, n uint64, start int64, addr string) {
		src, _ := netip.ParseAddr(addr)
		r := flow.Record{
			Src: src, Packets: n, Bytes: n, Start: start, Protocol: uint8(n), TCPFlags: uint8(n), Direction: flow.Direction(n % 3),
			Names: &flow.Names{VPCID: []byte(vpcID), InterfaceID: []byte(eni)}, EventID: []byte(id), Subnet: &flow.Subnet{CIDR: vpcID},
		}
		for _, form := range []form{formJSON, formLogfmt, formLegacy} {
			line := form.record(nil, source, &r)
			if !utf8.Valid(line) || bytes.ContainsAny(line, "\x00\n\r\x1b\x7f") {
				t.Fatalf("not one clean line: %q", line)
			}
			if form == formJSON {
				checkJSON(t, line, map[string]string{"source": source, "vpc_id": vpcID, "interface_id": eni, "id": id})
			}
		}
	})
}

func checkJSON(t *testing.T, line []byte, texts map[string]string) {
	t.Helper()
	var got map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&got); err != nil || decoder.More() {
		t.Fatalf("not one JSON object: %v: %s", err, line)
	}
	for key, want := range texts {
		want = strings.ToValidUTF8(replaceEach(want), "\ufffd")
		if v, ok := got[key]; ok != (want != "") || ok && v != want {
			t.Fatalf("%s is %q, want %q", key, v, want)
		}
	}
}

// replaceEach replaces each byte that is not UTF-8, not each run of them.
func replaceEach(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

func TestEncodingAllocatesNothing(t *testing.T) {
	r, buf := full(), make([]byte, 0, 1024)
	for _, f := range []form{formJSON, formLogfmt, formLegacy} {
		if n := testing.AllocsPerRun(100, func() { f.record(buf, "kinesis", &r) }); n != 0 {
			t.Errorf("form %d: %v allocations for a line", f, n)
		}
	}
}

func BenchmarkLine(b *testing.B) {
	r, buf := full(), make([]byte, 0, 1024)
	for b.Loop() {
		buf = formJSON.record(buf[:0], "kinesis", &r)
	}
}
