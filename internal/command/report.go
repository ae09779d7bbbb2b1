package command

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/pipeline"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
	"github.com/flowlog-exporter/flowlog-exporter/internal/web"
)

// totals is what a replay found out.
type totals struct {
	rows    []traffic.Row
	sum     pipeline.Sum
	metrics func() ([]web.Family, error)
	history *traffic.History // nil unless it is the result
	// unlogged is how many denied flows have no line in the deny log.
	unlogged uint64
}

// warn tells what the result itself may not.
func (t totals) warn(log *slog.Logger) {
	if t.unlogged > 0 {
		log.Warn("denied flows are left out of the deny log; --deny-log.rate 0 writes them all", "lines", t.unlogged)
	}
	if t.history != nil && t.history.Untimed() > 0 {
		log.Warn("records without an end, or with one in the future, are in no sample", "records", t.history.Untimed())
	}
}

// undecoded is the error of totals that lack what could not be decoded.
func (t totals) undecoded() error {
	var n uint64
	for _, failures := range t.sum.Failures {
		n += failures
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d messages could not be decoded: the totals are those of the rest", n)
}

// reports are the forms of a replay's result.
var reports = map[string]func(io.Writer, totals) error{
	"summary": writeSummary,
	"prom":    writeProm,
	"json":    writeJSON,
	// With the time of the records, for promtool.
	"openmetrics": writeOpenMetrics,
}

// writeSummary prints a table of subnets and the accounts of all records.
func writeSummary(w io.Writer, t totals) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "vpc\tsubnet\treceived B\tpackets\tflows\tsent B\tpackets\tflows\tdenied in\tdenied out\t")
	for _, r := range t.rows {
		in, out := r.Counts[traffic.Received], r.Counts[traffic.Sent]
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", dash(r.Subnet.VPCID), r.Subnet.CIDR,
			in.Bytes, in.Packets, in.Flows, out.Bytes, out.Packets, out.Flows,
			r.Counts[traffic.DeniedIngress].Flows, r.Counts[traffic.DeniedEgress].Flows)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	s := t.sum
	fmt.Fprintf(w, "\n%d records = %d counted + %d skipped + %d in no known subnet; %d ambiguous\n",
		s.Records, s.Counted, s.Skipped.Sum(), s.Unmatched, s.Ambiguous)
	for reason, n := range s.Skipped {
		if n > 0 {
			fmt.Fprintf(w, "%d skipped: %s\n", n, flow.Reason(reason))
		}
	}
	if t.unlogged > 0 {
		fmt.Fprintf(w, "%d denied flows left out of the deny log\n", t.unlogged)
	}
	var err error
	for stage, n := range s.Failures {
		if n > 0 {
			_, err = fmt.Fprintf(w, "%d messages could not be decoded: %s\n", n, flow.Stage(stage))
		}
	}
	return err
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// writeProm prints what /metrics would show of the traffic.
func writeProm(w io.Writer, t totals) error {
	families, err := t.metrics()
	if err != nil {
		return err
	}
	return web.WriteText(w, families)
}

// writeJSON prints one document.
func writeJSON(w io.Writer, t totals) error {
	type subnet struct {
		VPCID         string         `json:"vpc_id"`
		Subnet        string         `json:"subnet"`
		Received      traffic.Amount `json:"received"`
		Sent          traffic.Amount `json:"sent"`
		DeniedIngress traffic.Amount `json:"denied_ingress"`
		DeniedEgress  traffic.Amount `json:"denied_egress"`
	}
	document := struct {
		Subnets   []subnet          `json:"subnets"`
		Records   uint64            `json:"records"`
		Counted   uint64            `json:"counted"`
		Unmatched uint64            `json:"unmatched"`
		Ambiguous uint64            `json:"ambiguous"`
		Skipped   map[string]uint64 `json:"skipped"`
		Failures  map[string]uint64 `json:"decode_failures"`
	}{
		Records: t.sum.Records, Counted: t.sum.Counted, Unmatched: t.sum.Unmatched, Ambiguous: t.sum.Ambiguous,
		Skipped: map[string]uint64{}, Failures: map[string]uint64{}, Subnets: []subnet{},
	}
	for reason, n := range t.sum.Skipped {
		document.Skipped[flow.Reason(reason).String()] = n
	}
	for stage, n := range t.sum.Failures {
		document.Failures[flow.Stage(stage).String()] = n
	}
	for _, r := range t.rows {
		document.Subnets = append(document.Subnets, subnet{
			r.Subnet.VPCID, r.Subnet.CIDR, r.Counts[traffic.Received], r.Counts[traffic.Sent],
			r.Counts[traffic.DeniedIngress], r.Counts[traffic.DeniedEgress],
		})
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}
