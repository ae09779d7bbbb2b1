package main

// method is the end of the page: how it was measured, and how to do it again.
const method = `
## Method

- **Corpus**: ` + "`go run ./bench/generate`" + ` makes it, the same for the same seed: 2,000 envelopes of 50 to 400 events with 14 and with 29 fields, and two S3
  objects of 105 MB of text. 10 % of the flows are IPv6, 8 % denied, 2 % of the lines say NODATA or SKIPDATA; 510 subnets, 2,400 interfaces.
- **Rounds**: every row of the table in process runs once a round; the order is rotated by one each round and reversed in every second. A ratio is taken in
  each round, and the median of those is told: the machine may be shared, and what slows it down slows neighbours in a round alike.
- **One core** is GOMAXPROCS=1, bound to one processor by taskset where there is one; rates are records per second of the process's CPU time (user and system).
  Two cores are measured by the clock, and so need a machine on which nobody else works: what klauspost/compress gets from a second core, without sharing data,
  tells what the machine gave.
- **The way in process** begins with a body in memory and ends in the ledger, through all that the program does: inflating, the envelope, the lines, recognising
  deliveries that come again, learning directions, placing, counting, places of shards. The address book has no interfaces, so every direction is found by address
  or learned. The memory of deliveries is full from the start, so that rounds do not differ.
- **What it is compared with**: ` + "`bench/reference`" + ` is what a good engineer writes in an hour: klauspost's gzip used again, encoding/json, strings.Fields, netip, a prefix
  table, a map of counters. Inflating alone is the least that anybody does who uses that decompressor.
- **More subnets** are the same ranges cut in halves, so that the text and the records stay the same, and the traffic spreads over more of them.
- **The real program** is built as users do and run beside a server that speaks the wire format of Kinesis (` + "`bench/endpoint`" + `), each body a delivery of its own. CPU time
  and memory are the kernel's figures for the program alone. Over the wire format of Kinesis it has the last processor for itself where there is taskset, and the server the
  others; what it is compared with begins with no deliveries remembered, as it does. Growth is measured with both on all processors and answers of 92 bodies, about 0.4 MB;
  records by the clock then include the server's share of the machine. Both loads commit every second, five times as often as by default.
- **Objects** of S3 are read from memory, as text from the beginning to the end and as Parquet where they say. The Parquet ones have the same records, written by
  pyarrow with AWS's names and types, gzip and one row group (` + "`bench/parquet.py`" + `). A replay reads the text of one of them three times in each of four files.
- **A scrape's** figures are the least of five rounds of 40 scrapes each; allocations are from the program's own go_memstats_mallocs_total, and include what the
  Go runtime's metrics take.

## Do it again

` + "```" + `
make bench                          # everything, about 9 minutes; writes this page
go run ./bench/report -quick        # a look, about 2 minutes (-docs DIR writes elsewhere)
go run ./bench/pipeline -corpus bench/.corpus -rounds 7 -json
go run ./bench/pipeline -stages 15  # what each stage costs, each body at its fastest
go test ./bench/...                 # totals equal the oracle's, five seeds
` + "```" + `
`
