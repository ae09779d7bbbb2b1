// Command generate makes the corpus of the benchmarks: flow logs as AWS
// delivers them, the same for the same flags.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
)

func main() {
	o := corpus.Default()
	out := flag.String("out", ".", "folder to write to")
	flag.Uint64Var(&o.Seed, "seed", o.Seed, "seed of the generator")
	flag.IntVar(&o.Records, "records", o.Records, "number of Kinesis data records")
	flag.IntVar(&o.MinEvents, "min", o.MinEvents, "least log events in a data record")
	flag.IntVar(&o.MaxEvents, "max", o.MaxEvents, "most log events in a data record")
	flag.Float64Var(&o.BadShare, "bad", o.BadShare, "share of NODATA and SKIPDATA lines")
	flag.IntVar(&o.Level, "level", o.Level, "gzip level")
	flag.Int64Var(&o.S3Bytes, "s3", o.S3Bytes, "uncompressed bytes of each S3 object")
	flag.Parse()
	manifest, err := corpus.Write(*out, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
	for _, f := range manifest.Files {
		fmt.Printf("%-20s %8d flow records %10d bytes, %5.1f bytes of text a record, %5.2f:1\n",
			f.File, f.FlowRecords, f.GzipBytes, f.RawPerFlow, f.Ratio)
	}
}
