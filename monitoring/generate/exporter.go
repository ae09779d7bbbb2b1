package generate

var exporter = dashboard{
	name: "exporter", title: "Exporter",
	description: "Whether the exporter reads, how far behind it is, and what became of every record.",
	rows: []row{
		{"Health", []panel{
			figure("Unaccounted records", "none", "records - counted - skipped - unmatched. Anything but 0 is a bug.", 1, 1,
				`sum(flowlog_records_total{`+job+`}) - sum(flowlog_records_counted_total{`+job+`}) - sum(flowlog_records_skipped_total{`+job+`}) - sum(flowlog_records_unmatched_total{`+job+`})`),
			figure("Lag", "s", "The slowest shard.", 60, 300, `max(flowlog_source_lag_seconds{`+job+`})`),
			figure("Age of the newest record", "s", "Fifteen minutes are ordinary.", 1200, 1800, `time() - max(flowlog_last_record_end_timestamp_seconds{`+job+`})`),
			figure("Age of the last commit", "s", "What was counted since then is not public yet.", 60, 300, `time() - min(flowlog_checkpoint_last_success_timestamp_seconds{`+job+`})`),
			figure("Age of the subnet list", "s", "Subnets that were made since then are unknown.", 3900, 7200, `time() - min(flowlog_subnet_refresh_last_success_timestamp_seconds{`+job+`})`),
			figure("Subnets", "none", "Known, over all VPCs.", 0, 0, `sum(max by (vpc_id) (flowlog_subnets{`+job+`}))`),
			states("Source", "Whether the last read succeeded.", 12, [2]string{"down", "red"}, [2]string{"up", "green"},
				query{`flowlog_source_up{` + job + `}`, "{{instance}} {{source}}"}),
			own(lines("Lag by shard", "s", "While reading a shard fails, its lag grows with the time.", 12, query{`flowlog_source_lag_seconds{` + job + `}`, "{{instance}} {{source}} {{shard}}"})),
		}},
		{"Records", []panel{
			heat("Delay of records", "s", "From the end of a capture window until the record was counted: AWS needs five to ten minutes.", 12, true,
				query{rate("le", "flowlog_record_delay_seconds_bucket", job), "{{le}}"}),
			stacked(lines("What became of the records", "cps", "counted + unmatched + skipped by reason = read.", 12,
				query{rate("", "flowlog_records_counted_total", job), "counted"}, query{rate("", "flowlog_records_unmatched_total", job), "unmatched"},
				query{rate("reason", "flowlog_records_skipped_total", job), "skipped: {{reason}}"})),
			own(lines("Guessed", "cps", "Records whose direction or VPC had to be guessed; they are counted.", 8, query{rate("source", "flowlog_records_ambiguous_total", job), "{{source}}"})),
			own(lines("Messages", "cps", "As the source has them: data records, objects, deliveries, files.", 8, query{rate("source", "flowlog_source_messages_total", job), "{{source}}"})),
			own(lines("Not decoded", "cps", "Messages that are no flow logs, or damaged, by where that was found.", 8, query{rate("stage", "flowlog_decode_failures_total", job), "{{stage}}"})),
		}},
		{"Source", []panel{
			own(lines("Requests", "reqps", "To AWS, by operation.", 8, query{rate("source, operation", "flowlog_source_requests_total", job), "{{source}} {{operation}}"})),
			own(lines("Failed requests", "reqps", "By operation and reason; throttled ones are made again.", 8,
				query{rate("source, operation, reason", "flowlog_source_request_failures_total", job) + " > 0", "{{operation}} {{reason}}"})),
			own(lines("Read", "Bps", "As transported, compressed.", 8, query{rate("source", "flowlog_source_read_bytes_total", job), "{{source}}"})),
			own(lines("Shards", "none", "By state.", 8, query{`sum by (source, state) (flowlog_source_shards{` + job + `})`, "{{source}} {{state}}"})),
			own(lines("Memory of answers", "bytes", "At --kinesis.max-buffered shards wait for each other.", 8, query{`sum by (instance, source) (flowlog_source_buffered_bytes{` + job + `})`, "{{instance}} {{source}}"})),
			own(lines("Waiting for such memory", "percentunit", "Shards that wait at a time; 1 is one shard, always.", 8, query{rate("instance, source", "flowlog_source_buffer_wait_seconds_total", job), "{{instance}} {{source}}"})),
			own(lines("Lost before it was read", "s", "Time whose records left the stream unread, in a day.", 8,
				query{`sum by (source) (increase(flowlog_source_gap_seconds_total{` + job + `}[1d]))`, "{{source}}"})),
			own(lines("Objects", "cps", "Only with --s3.queue-url: by what became of them.", 8, query{rate("outcome", "flowlog_source_objects_total", job), "{{outcome}}"})),
			own(lines("Deliveries", "cps", "Only with --firehose.listen: by the status of the answer.", 8, query{rate("code", "flowlog_source_deliveries_total", job), "{{code}}"})),
		}},
		{"Process", []panel{
			own(lines("Failed commits and refreshes", "none", "In an hour.", 6,
				query{`sum by (instance) (increase(flowlog_checkpoint_failures_total{` + job + `}[1h]))`, "{{instance}} commits"},
				query{`sum by (instance) (increase(flowlog_subnet_refresh_failures_total{` + job + `}[1h]))`, "{{instance}} refreshes of the subnets"})),
			own(lines("Processors", "percentunit", "1 is one processor.", 6, query{rate("instance", "process_cpu_seconds_total", job), "{{instance}}"})),
			own(lines("Memory", "bytes", "docs/limits.md says how much it may be.", 6, query{`process_resident_memory_bytes{` + job + `}`, "{{instance}}"})),
			own(lines("Goroutines", "none", "About one for each shard and connection.", 6, query{`go_goroutines{` + job + `}`, "{{instance}}"})),
			table("Versions", "What runs.", 24, `flowlog_exporter_build_info{`+job+`}`, "Value"),
		}},
	},
}

// dashboards are all there are.
var dashboards = []*dashboard{&overview, &subnet, &security, &exporter}
