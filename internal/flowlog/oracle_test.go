package flowlog

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// slowly reads a line as the documentation says, and nothing else in mind.
func slowly(format, line string) (rec flow.Record, result Result) {
	if len(line) > MaxLine {
		return rec, Malformed
	}
	names := strings.Split(strings.NewReplacer("${", "", "}", "").Replace(format), " ")
	words := strings.FieldsFunc(strings.TrimSuffix(line, "\r"), func(c rune) bool { return c == ' ' || c == '\t' })
	if len(words) != len(names) {
		return rec, Mismatch
	}
	row, hasVital, seenVital := map[string]string{}, false, false
	for i, name := range names {
		isVital := name == "srcaddr" || name == "dstaddr" || name == "packets" || name == "bytes"
		hasVital = hasVital || isVital
		if words[i] != "-" {
			row[name] = words[i]
			seenVital = seenVital || isVital
		}
	}
	good := true
	text := func(name string) []byte {
		if v, ok := row[name]; ok {
			return []byte(v)
		}
		return nil
	}
	account := func(name string) []byte {
		if row[name] == "unknown" {
			return nil
		}
		return text(name)
	}
	num := func(name string, bits int) uint64 {
		v, ok := row[name]
		if !ok {
			return 0
		}
		n, err := strconv.ParseUint(v, 10, bits)
		good = good && err == nil
		return n
	}
	seconds := func(name string) int64 {
		n := num(name, 64)
		good = good && n <= 1e14
		if n > 1e11 {
			n /= 1000
		}
		return int64(n)
	}
	addr := func(name string) netip.Addr {
		v, ok := row[name]
		if !ok {
			return netip.Addr{}
		}
		a, err := netip.ParseAddr(v)
		good = good && err == nil && a.Zone() == ""
		return a.Unmap()
	}
	word := func(name string, words ...string) uint8 {
		v, ok := row[name]
		if !ok {
			return 0
		}
		for i, w := range words {
			if v == w {
				return uint8(i) + 1
			}
		}
		good = false
		return 0
	}
	rec = flow.Record{
		Names: &flow.Names{
			AccountID: account("account-id"), InterfaceID: text("interface-id"), VPCID: text("vpc-id"), SubnetID: text("subnet-id"),
			InstanceID: text("instance-id"), Region: text("region"), AZID: text("az-id"),
		},
		RejectReason: text("reject-reason"),
		Src:          addr("srcaddr"), Dst: addr("dstaddr"), PktSrc: addr("pkt-srcaddr"), PktDst: addr("pkt-dstaddr"),
		Packets: num("packets", 53), Bytes: num("bytes", 53), Start: seconds("start"), End: seconds("end"),
		SrcPort: uint16(num("srcport", 16)), DstPort: uint16(num("dstport", 16)), Protocol: uint8(num("protocol", 8)),
		TCPFlags: uint8(num("tcp-flags", 8)), TrafficPath: uint8(num("traffic-path", 8)),
		Action:    flow.Action(word("action", "ACCEPT", "REJECT")),
		Direction: flow.Direction(word("flow-direction", "ingress", "egress")),
	}
	for _, name := range []string{"version", "encryption-status", "packets-lost-no-route", "packets-lost-blackhole",
		"packets-lost-mtu-exceeded", "packets-lost-ttl-expired"} {
		num(name, 64)
	}
	status := word("log-status", "OK", "NODATA", "SKIPDATA")
	if !good {
		return rec, Malformed
	}
	if side, ok := map[flow.Direction]string{flow.Ingress: "tgw-src-", flow.Egress: "tgw-dst-"}[rec.Direction]; ok {
		for name, to := range map[string]*[]byte{"eni": &rec.InterfaceID, "subnet-id": &rec.SubnetID, "vpc-id": &rec.VPCID, "az-id": &rec.AZID} {
			if v := text(side + name); v != nil {
				*to = v
			}
		}
		if v := account(side + "vpc-account-id"); v != nil {
			rec.AccountID = v
		}
	}
	switch {
	case status == 2:
		return rec, NoData
	case status == 3:
		return rec, SkipData
	case status == 0 && hasVital && !seenVital:
		return rec, NoData
	}
	return rec, Parsed
}

func FuzzLine(f *testing.F) {
	f.Add(Default.String(), v2Line)
	f.Add(v5, v5Line)
	f.Add(TransitGateway.String(), fmt.Sprintf(tgwLine, "ingress"))
	f.Add(TransitGateway.String(), fmt.Sprintf(tgwLine, "egress")+"\r")
	f.Add("instance-id packets", "i-1 \t -")
	f.Add("srcaddr flow-direction tgw-src-vpc-account-id account-id", "::ffff:1.2.3.4 ingress unknown 12")
	f.Add("start end version reject-reason moon", "1512564058000 1 5 BPA full")
	for _, group := range samples(f) {
		for _, line := range group.lines {
			if group.format != "JSON" {
				f.Add(group.format, line)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text, line string) {
		format, err := ParseFormat(text)
		if err != nil {
			return
		}
		got, result := parse(format, line)
		want, wantResult := slowly(format.String(), line)
		if result != wantResult {
			t.Fatalf("%s\n%q\nresult %d, the slow reader says %d", format, line, result, wantResult)
		}
		if result != Parsed {
			return
		}
		if diff := cmp.Diff(want, got, compare); diff != "" {
			t.Fatalf("%s\n%q\n%s", format, line, diff)
		}
	})
}
