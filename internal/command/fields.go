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
