package generate

const late = "Flow logs arrive minutes late and in bursts; each point is a mean over at least 15 minutes."

var overview = dashboard{
	name: "overview", title: "Overview", subnets: true,
	description: "What enters and leaves the subnets, what is refused, and whether the figures are fresh.",
	rows: []row{
		{"Now", []panel{
			figure("Received", "Bps", "Accepted traffic that enters the chosen subnets. "+late, 0, 0, rate("", "flowlog_received_bytes_total", subnets)),
			figure("Sent", "Bps", "Accepted traffic that leaves the chosen subnets. "+late, 0, 0, rate("", "flowlog_sent_bytes_total", subnets)),
			figure("Denied", "cps", "Flows that a security group or network ACL refuses, both directions.", 0, 0, rate("", "flowlog_denied_flows_total", subnets)),
			figure("Age of the newest record", "s", "Since the end of the newest capture window that was counted. Fifteen minutes are ordinary.", 1200, 1800,
				`time() - max(flowlog_last_record_end_timestamp_seconds{`+job+`})`),
			figure("Lag", "s", "How far the slowest shard is behind the tip of its stream.", 60, 300, `max(flowlog_source_lag_seconds{`+job+`})`),
			figure("Alerts firing", "none", "Alerts of flowlog-exporter that fire now.", 1, 1, `count(`+firing+`) or vector(0)`),
		}},
		{"Traffic", []panel{
			lines("Received and sent", "Bps", "All chosen subnets together. "+late, 12,
				query{rate("", "flowlog_received_bytes_total", subnets), "received"}, query{rate("", "flowlog_sent_bytes_total", subnets), "sent"}),
			lines("Flows", "cps", "Flow records a second, by what became of the traffic.", 12,
				query{rate("", "flowlog_received_flows_total", subnets), "received"}, query{rate("", "flowlog_sent_flows_total", subnets), "sent"},
				query{rate("direction", "flowlog_denied_flows_total", subnets), "denied {{direction}}"}),
			stacked(lines("Received by subnet", "Bps", late, 12, query{bySubnet("flowlog_received_bytes_total", ""), subnetLegend})),
			stacked(lines("Sent by subnet", "Bps", late, 12, query{bySubnet("flowlog_sent_bytes_total", ""), subnetLegend})),
			stacked(lines("Denied by subnet", "cps", "Flows that are refused, both directions.", 12, query{bySubnet("flowlog_denied_flows_total", ""), subnetLegend})),
			bars("Most received and sent", "Bps", "The ten subnets with the most traffic, both directions.", 12,
				query{"topk(10, " + named("("+rate("vpc_id, subnet", "flowlog_received_bytes_total", subnets)+" + "+rate("vpc_id, subnet", "flowlog_sent_bytes_total", subnets)+")") + ")", subnetLegend}),
		}},
		{"Alerts", []panel{
			table("Firing", "What docs/runbooks has a page on.", 24, firing, "alertstate", "Value"),
		}},
	},
}

var subnet = dashboard{
	name: "subnet", title: "Subnet", subnets: true,
	description: "One subnet, or a few, in all detail.",
	rows: []row{
		{"Traffic", []panel{
			lines("Bytes", "Bps", "Accepted traffic. "+late, 12,
				query{bySubnet("flowlog_received_bytes_total", ""), "received " + subnetLegend}, query{bySubnet("flowlog_sent_bytes_total", ""), "sent " + subnetLegend}),
			lines("Packets", "pps", "Accepted traffic.", 12,
				query{bySubnet("flowlog_received_packets_total", ""), "received " + subnetLegend}, query{bySubnet("flowlog_sent_packets_total", ""), "sent " + subnetLegend}),
			lines("Flows", "cps", "Flow records of accepted traffic.", 12,
				query{bySubnet("flowlog_received_flows_total", ""), "received " + subnetLegend}, query{bySubnet("flowlog_sent_flows_total", ""), "sent " + subnetLegend}),
			lines("Bytes a packet", "bytes", "Accepted traffic, mean. Bulk transfers have more than 1,000, questions and scans less than 100.", 12,
				query{rate("vpc_id, subnet", "flowlog_received_bytes_total", subnets) + " / " + rate("vpc_id, subnet", "flowlog_received_packets_total", subnets), "received {{subnet}}"},
				query{rate("vpc_id, subnet", "flowlog_sent_bytes_total", subnets) + " / " + rate("vpc_id, subnet", "flowlog_sent_packets_total", subnets), "sent {{subnet}}"}),
		}},
		{"Denied", []panel{
			lines("Denied flows", "cps", "By direction, as the interface saw it.", 8, denied("flows")),
			lines("Denied packets", "pps", "By direction, as the interface saw it.", 8, denied("packets")),
			lines("Denied bytes", "Bps", "By direction, as the interface saw it. They never arrived.", 8, denied("bytes")),
		}},
		{"Identity", []panel{
			table("Subnets", "Names, ids and zones, as AWS or the subnet file gives them.", 24, `max by (vpc_id, subnet, subnet_id, name, az_id, account_id) (flowlog_subnet_info{`+subnets+`})`, "Value"),
		}},
	},
}

func denied(what string) query {
	return query{named(rate("vpc_id, subnet, direction", "flowlog_denied_"+what+"_total", subnets)), "{{direction}} " + subnetLegend}
}
