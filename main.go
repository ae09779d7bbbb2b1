// Command flowlog-exporter reads Amazon VPC flow logs and exports them to
// Prometheus.
package main

import (
	"os"

	"github.com/flowlog-exporter/flowlog-exporter/internal/command"
)

func main() { os.Exit(command.Main(os.Args[1:])) }
