package command

import "github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"

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
