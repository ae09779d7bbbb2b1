package denylog

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// form is how a line is written.
type form uint8

const (
	// formJSON is one flat JSON object a line.
	formJSON form = iota
	// formLogfmt has the same keys as JSON, as key=value.
	formLogfmt
	// formLegacy is the line older set-ups search for.
	formLegacy
)

// CheckFormat returns the error of a format that does not exist.
func CheckFormat(format string) error {
	_, err := parseForm(format)
	return err
}

func parseForm(s string) (form, error) {
	switch s {
	case "json", "":
		return formJSON, nil
	case "logfmt":
		return formLogfmt, nil
	case "legacy":
		return formLegacy, nil
	}
	return 0, fmt.Errorf("unknown deny log format %q; possible values are json, logfmt and legacy", s)
}

// record appends the line of a refused flow, without a newline. Text, addresses,
// the time and the flags are left out where absent. Ports, protocol, packets and
// bytes are always there: their 0 is a value, as the ports of ICMP are.
func (f form) record(buf []byte, source string, r *flow.Record) []byte {
	if f == formLegacy {
		return legacyRecord(buf, r)
	}
	l := begin(f, buf)
	l.time("time", r.Start)
	l.text("msg", "POLICY_DENIED")
	l.addr("src_ip", r.Src)
	l.number("src_port", uint64(r.SrcPort))
	l.addr("dst_ip", r.Dst)
	l.number("dst_port", uint64(r.DstPort))
	l.number("protocol", uint64(r.Protocol))
	if r.TCPFlags != 0 {
		l.number("tcp_flags", uint64(r.TCPFlags))
	}
	l.number("packets", r.Packets)
	l.number("bytes", r.Bytes)
	l.place(r)
	l.text("source", source)
	l.bytes("id", r.EventID)
	return l.end()
}

// place appends where the flow was refused. The subnet's own ids are those of
// the metrics, so that both can be joined; what the address book does not know
// is taken from the record.
func (l *line) place(r *flow.Record) {
	if r.Direction != flow.DirectionUnknown {
		l.text("direction", r.Direction.String())
	}
	var s flow.Subnet
	if r.Subnet != nil {
		s = *r.Subnet
	}
	l.text("subnet", s.CIDR)
	l.either("subnet_id", s.ID, r.SubnetID)
	l.either("vpc_id", s.VPCID, r.VPCID)
	l.either("az_id", s.AZID, r.AZID)
	l.bytes("account_id", r.AccountID)
	l.bytes("region", r.Region)
	l.bytes("interface_id", r.InterfaceID)
	l.bytes("instance_id", r.InstanceID)
	l.bytes("reject_reason", r.RejectReason)
}

// summary appends the line that tells how many lines were suppressed.
func (f form) summary(buf []byte, now time.Time, suppressed uint64) []byte {
	if f == formLegacy {
		return legacySummary(buf, now, suppressed)
	}
	l := begin(f, buf)
	l.time("time", now.Unix())
	l.text("msg", "POLICY_DENIED_SUPPRESSED")
	l.number("suppressed", suppressed)
	return l.end()
}

// line is a line that is being written, as JSON or logfmt. Keys are safe in both.
type line struct {
	form  form
	start int // where the line begins in buf
	buf   []byte
}

func begin(f form, buf []byte) line { return line{form: f, start: len(buf), buf: buf} }

func (l *line) end() []byte {
	if l.form == formJSON {
		l.buf = append(l.buf, '}')
	}
	return l.buf
}

func (l *line) key(name string) {
	first := len(l.buf) == l.start
	if l.form == formLogfmt {
		if !first {
			l.buf = append(l.buf, ' ')
		}
		l.buf = append(append(l.buf, name...), '=')
		return
	}
	open := byte(',')
	if first {
		open = '{'
	}
	l.buf = append(l.buf, open, '"')
	l.buf = append(append(l.buf, name...), '"', ':')
}

func (l *line) number(name string, v uint64) {
	l.key(name)
	l.buf = strconv.AppendUint(l.buf, v, 10)
}

func (l *line) text(name, v string)         { appendText(l, name, v) }
func (l *line) bytes(name string, v []byte) { appendText(l, name, v) }

func (l *line) either(name, known string, recorded []byte) {
	if known != "" {
		l.text(name, known)
		return
	}
	l.bytes(name, recorded)
}

func (l *line) addr(name string, a netip.Addr) {
	if a.IsValid() {
		l.plain(name, func(b []byte) []byte { return appendAddr(b, a) })
	}
}

func (l *line) time(name string, seconds int64) {
	if hasTime(seconds) {
		l.plain(name, func(b []byte) []byte { return time.Unix(seconds, 0).UTC().AppendFormat(b, time.RFC3339) })
	}
}

// plain appends a value that needs no escape.
func (l *line) plain(name string, value func([]byte) []byte) {
	l.key(name)
	if l.form == formLogfmt {
		l.buf = value(l.buf)
		return
	}
	l.buf = append(value(append(l.buf, '"')), '"')
}

// appendAddr leaves out a zone: flow logs have none, and it may hold any byte.
func appendAddr(buf []byte, a netip.Addr) []byte { return a.WithZone("").AppendTo(buf) }

// hasTime reports whether seconds is a time that RFC 3339 can write; 0 is absent.
func hasTime(seconds int64) bool { return 0 < seconds && seconds <= 253402300799 }
