package generate

const (
	denyRate    = `subnet:flowlog_denied_flows:rate15m{` + subnets + `}`
	denyHistory = `subnet:flowlog_denied_flows:history{` + subnets + `}`
)

var security = dashboard{
	name: "security", title: "Security", subnets: true,
	description: "What security groups and network ACLs refuse, against what is usual for each subnet.",
	rows: []row{
		{"Refused", []panel{
			stacked(lines("Refused from outside the interface", "cps", "Ingress: somebody knocks where nobody answers.", 12,
				query{bySubnet("flowlog_denied_flows_total", `, direction="ingress"`), subnetLegend})),
			stacked(lines("Refused to leave", "cps", "Egress: an instance does what it may not. It deserves a look sooner than ingress.", 12,
				query{bySubnet("flowlog_denied_flows_total", `, direction="egress"`), subnetLegend})),
			heat("Refused by subnet", "none", "The darker, the more flows a second are refused.", 12, false,
				query{rate("subnet", "flowlog_denied_flows_total", subnets), "{{subnet}}"}),
			lines("Share refused", "percentunit", "Refused flows of all flows of the subnet.", 12, query{
				rate("vpc_id, subnet", "flowlog_denied_flows_total", subnets) + " / (" +
					rate("vpc_id, subnet", "flowlog_denied_flows_total", subnets) + " + " +
					rate("vpc_id, subnet", "flowlog_received_flows_total", subnets) + " + " +
					rate("vpc_id, subnet", "flowlog_sent_flows_total", subnets) + ")", "{{subnet}}"}),
		}},
		{"Against the history", []panel{
			lines("Refused now", "cps", "The recorded rate of 15 minutes that FlowlogDenySpike looks at; needs the shipped rules.", 12,
				query{denyRate, "{{direction}} {{subnet}}"}),
			lines("Usual at this hour", "cps", "What the subnet had in the last six hours, and at this hour on other days; needs the shipped rules.", 12,
				query{denyHistory, "{{direction}} {{subnet}}"}),
			states("Far above usual", "More than five times what is usual, and more than one a second. FlowlogDenySpike fires after a quarter of an hour of it.", 12,
				[2]string{"usual", "green"}, [2]string{"spike", "red"},
				query{"(" + denyRate + " > bool 5 * " + denyHistory + ") * (" + denyRate + " > bool 1)", "{{direction}} {{subnet}}"}),
			table("Spikes", "FlowlogDenySpike, now.", 12, `ALERTS{alertname="FlowlogDenySpike", `+job+`}`, "alertname", "Value"),
		}},
		{"Who is hit", []panel{
			bars("Most refused, ingress", "cps", "The ten subnets that are knocked at the most.", 12,
				query{"topk(10, " + bySubnet("flowlog_denied_flows_total", `, direction="ingress"`) + ")", subnetLegend}),
			bars("Most refused, egress", "cps", "The ten subnets from which most is refused.", 12,
				query{"topk(10, " + bySubnet("flowlog_denied_flows_total", `, direction="egress"`) + ")", subnetLegend}),
		}},
		{"Deny log", []panel{
			own(lines("Lines written", "cps", "Only with --deny-log.output.", 8, query{rate("sink", "flowlog_deny_log_records_total", job), "{{sink}}"})),
			own(lines("Lines left out", "cps", "rate: above --deny-log.rate, as was asked for. queue, write: the output does not take them.", 8,
				query{rate("sink, reason", "flowlog_deny_log_dropped_total", job), "{{sink}} {{reason}}"})),
			own(lines("Lines waiting", "none", "For the output.", 8, query{`sum by (sink) (flowlog_deny_log_queue_length{` + job + `})`, "{{sink}}"})),
		}},
	},
}
