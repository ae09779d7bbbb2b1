package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/nearest"
)

// answer is something that a log format can tell, or cannot.
type answer struct {
	what string
	// exact are the fields that tell it, all of them; of several lists one is
	// enough.
	exact [][]string
	// derived says how it is found without them, if one of the fields from is
	// there; empty is not at all.
	derived string
	from    []string
	// missing says what comes of it when nothing tells it.
	missing string
	// denial says that it is about refused flows, which a transit gateway has none of.
	denial bool
	// spare says that a format does not have to have it to be a good one.
	spare bool
}

// answers are what metrics and deny log show, by what tells it.
var answers = []answer{
	{what: "bytes", exact: [][]string{{"bytes"}}, missing: "flowlog_*_bytes_total stay at 0"},
	{what: "packets", exact: [][]string{{"packets"}}, missing: "flowlog_*_packets_total stay at 0"},
	{
		denial: true, what: "accepted or denied", exact: [][]string{{"action"}},
		missing: "all counts as accepted, flowlog_denied_* stay at 0, the deny log is empty",
	},
	{
		what: "direction", exact: [][]string{{"flow-direction"}}, from: []string{"srcaddr", "dstaddr"},
		derived: "from the addresses and the address book, else learned; what is guessed is in flowlog_records_ambiguous_total",
		missing: "it is guessed: flowlog_records_ambiguous_total",
	},
	{
		what: "subnet", exact: [][]string{{"subnet-id"}, {"tgw-src-subnet-id", "tgw-dst-subnet-id"}}, from: []string{"interface-id", "srcaddr", "dstaddr"},
		derived: "from the interface or the addresses and the address book",
		missing: "records belong to none: flowlog_records_unmatched_total",
	},
	{
		what: "VPC", exact: [][]string{{"vpc-id"}, {"tgw-src-vpc-id", "tgw-dst-vpc-id"}}, from: []string{"subnet-id", "interface-id", "srcaddr", "dstaddr"},
		derived: "from the subnet; where VPCs have the same addresses it may be guessed",
		missing: "it is not known",
	},
	{
		what: "intervals without data", exact: [][]string{{"log-status"}}, from: []string{"srcaddr", "dstaddr", "packets", "bytes"},
		derived: `records of "-" alone are taken for NODATA`, missing: "empty records are not told from others",
	},
	{what: "delay", exact: [][]string{{"end"}}, missing: "flowlog_record_delay_seconds stays empty"},
	{denial: true, what: "deny log, time", exact: [][]string{{"start"}}, missing: "lines have no time"},
	{denial: true, what: "deny log, from and to", exact: [][]string{{"srcaddr", "dstaddr", "srcport", "dstport", "protocol"}}, missing: "lines lack what the format lacks"},
	{
		denial: true, what: "deny log, interface, account", exact: [][]string{{"interface-id", "account-id"}},
		derived: "from the log stream and the log group, when CloudWatch Logs delivers", from: flowlog.Fields(), missing: "",
	},
	{denial: true, what: "deny log, TCP flags", exact: [][]string{{"tcp-flags"}}, missing: "lines have no tcp_flags", spare: true},
	{denial: true, what: "deny log, instance", exact: [][]string{{"instance-id"}}, missing: "lines have no instance_id", spare: true},
	{denial: true, what: "deny log, zone", exact: [][]string{{"az-id"}}, derived: "from the subnet", from: flowlog.Fields(), spare: true},
	{denial: true, what: "deny log, region", exact: [][]string{{"region"}}, missing: "lines have no region", spare: true},
	{denial: true, what: "deny log, further reason", exact: [][]string{{"reject-reason"}}, missing: "lines have no reject_reason", spare: true},
}

// unshown are fields that are read and shown nowhere yet.
var unshown = []string{
	"version", "pkt-srcaddr", "pkt-dstaddr", "traffic-path", "encryption-status",
	"packets-lost-no-route", "packets-lost-blackhole", "packets-lost-mtu-exceeded", "packets-lost-ttl-expired",
}

// tellFields prints what the formats can answer: of the arguments, or with "-" of what
// aws ec2 describe-flow-logs printed.
func tellFields(_ context.Context, p *program, _ *settings, args []string) error {
	formats := []string{strings.Join(args, " ")}
	switch formats[0] {
	case "", "default":
		formats[0] = flowlog.Default.String()
	case "-":
		var err error
		if formats, err = readFormats(p.stdin); err != nil {
			return err
		}
	}
	for i, text := range formats {
		format, err := flowlog.ParseFormat(strings.Trim(strings.TrimSpace(text), `"'`))
		if err != nil {
			return usagef("%s", sentence(err.Error()))
		}
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		tellFormat(p.stdout, format)
	}
	return nil
}

// maxFormats bounds what is read of standard input, in bytes.
const maxFormats = 16 << 20

// readFormats reads the JSON of describe-flow-logs, each format of it once, or a
// format as it is.
func readFormats(r io.Reader) (formats []string, err error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFormats))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
		return []string{string(text)}, nil
	}
	var described struct{ FlowLogs []struct{ LogFormat string } }
	if err := json.Unmarshal(text, &described); err != nil {
		return nil, usagef("standard input is no answer of aws ec2 describe-flow-logs: %w", err)
	}
	for _, l := range described.FlowLogs {
		if l.LogFormat != "" && !slices.Contains(formats, l.LogFormat) {
			formats = append(formats, l.LogFormat)
		}
	}
	if len(formats) == 0 {
		return nil, usageError{errors.New("standard input names no format: there is no flow log in it")}
	}
	return formats, nil
}

// namesOf are the fields of a format in their order.
func namesOf(format *flowlog.Format) []string {
	return strings.Fields(strings.NewReplacer("${", "", "}", "").Replace(format.String()))
}

// tellFormat prints what one format can answer.
func tellFormat(w io.Writer, format *flowlog.Format) {
	names := namesOf(format)
	version := 2
	for _, name := range names {
		if f, ok := flowlog.Known(name); ok {
			version = max(version, f.Version)
		}
	}
	fmt.Fprintf(w, "fields: %d, version: %d\n\n", len(names), version)
	var better []string
	transit := slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "tgw-") })
	for _, a := range answers {
		if transit && a.denial {
			continue
		}
		verdict, why := a.of(names)
		fmt.Fprintf(w, "%-9s%-30s%s\n", verdict, a.what, why)
		if verdict != "exact" && !a.spare {
			better = append(better, lacking(a.exact[0], names)...)
		}
	}
	if transit {
		fmt.Fprint(w, "\nA transit gateway refuses nothing: all counts as accepted, and the deny log has no line of it.\n")
	}
	tellRest(w, format, names)
	if len(better) > 0 {
		fmt.Fprintf(w, "\nA format that tells all that matters:\n%s ${%s}\n", withoutUnknown(format, names), strings.Join(better, "} ${"))
	}
}

// of returns whether a format of these fields tells it, and how.
func (a *answer) of(names []string) (verdict, why string) {
	for _, all := range a.exact {
		if len(lacking(all, names)) == 0 {
			return "exact", strings.Join(all, ", ")
		}
	}
	add := "; add ${" + strings.Join(lacking(a.exact[0], names), "} ${") + "}"
	if a.derived != "" && slices.ContainsFunc(a.from, func(name string) bool { return slices.Contains(names, name) }) {
		return "derived", a.derived + add
	}
	return "missing", a.missing + add
}

// lacking returns which of the wanted fields are not there.
func lacking(wanted, names []string) (missing []string) {
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			missing = append(missing, name)
		}
	}
	return missing
}

// tellRest prints the fields that nothing shows, and those that are not known.
func tellRest(w io.Writer, format *flowlog.Format, names []string) {
	var read, passed []string
	for _, name := range names {
		if slices.Contains(unshown, name) {
			read = append(read, name)
		} else if f, ok := flowlog.Known(name); ok && !f.Kept {
			passed = append(passed, name)
		}
	}
	if len(read) > 0 {
		fmt.Fprintf(w, "\nread, shown nowhere yet: %s\n", strings.Join(read, ", "))
	}
	if len(passed) > 0 {
		fmt.Fprintf(w, "\nknown and passed over: %s\n", strings.Join(passed, ", "))
	}
	for _, name := range format.Unknown() {
		fmt.Fprintf(w, "\nunknown, its column is passed over: %s", sentence(name))
		if near := nearest.To(name, flowlog.Fields()); near != "" {
			fmt.Fprintf(w, "; did you mean %s?", near)
		}
		fmt.Fprintln(w)
	}
}

// withoutUnknown is the format as AWS would take it.
func withoutUnknown(format *flowlog.Format, names []string) string {
	known := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(format.Unknown(), name) })
	return "${" + strings.Join(known, "} ${") + "}"
}
