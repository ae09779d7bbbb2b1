package denylog

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// legacyTime is how older set-ups expect a time: as Go prints one in UTC.
const legacyTime = "2006-01-02 15:04:05 +0000 UTC"

// legacyRecord appends the line older set-ups search for. All its values are
// numbers, addresses, a protocol's keyword and a time, so that nothing needs an
// escape; an absent address or time is "-".
func legacyRecord(buf []byte, r *flow.Record) []byte {
	buf = legacyAddr(append(buf, "POLICY_DENIED: src:"...), r.Src)
	buf = legacyAddr(append(buf, " dst:"...), r.Dst)
	buf = strconv.AppendUint(append(buf, " srcport:"...), uint64(r.SrcPort), 10)
	buf = strconv.AppendUint(append(buf, " dstport:"...), uint64(r.DstPort), 10)
	buf = legacyProtocol(append(buf, " proto:"...), r.Protocol)
	buf = strconv.AppendUint(append(buf, " packets:"...), r.Packets, 10)
	return appendLegacyTime(append(buf, " timestamp:"...), r.Start)
}

func legacySummary(buf []byte, now time.Time, suppressed uint64) []byte {
	buf = strconv.AppendUint(append(buf, "POLICY_DENIED_SUPPRESSED: suppressed:"...), suppressed, 10)
	return appendLegacyTime(append(buf, " timestamp:"...), now.Unix())
}

func legacyAddr(buf []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return append(buf, '-')
	}
	return appendAddr(buf, a)
}

func appendLegacyTime(buf []byte, seconds int64) []byte {
	if !hasTime(seconds) {
		return append(buf, '-')
	}
	return time.Unix(seconds, 0).UTC().AppendFormat(buf, legacyTime)
}

func legacyProtocol(buf []byte, number uint8) []byte {
	if k := keywords[number]; k != "" {
		return append(buf, k...)
	}
	return strconv.AppendUint(buf, uint64(number), 10)
}

// keywords are IANA's names of the protocols seen in a VPC, in upper case.
// https://www.iana.org/assignments/protocol-numbers/protocol-numbers.xhtml
var keywords = [256]string{
	1: "ICMP", 2: "IGMP", 4: "IPV4", 6: "TCP", 17: "UDP", 33: "DCCP", 41: "IPV6", 46: "RSVP", 47: "GRE",
	50: "ESP", 51: "AH", 58: "IPV6-ICMP", 88: "EIGRP", 89: "OSPFIGP", 103: "PIM", 112: "VRRP", 115: "L2TP",
	132: "SCTP",
}
