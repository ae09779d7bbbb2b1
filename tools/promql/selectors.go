package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// listMetrics parses the expressions and writes the metrics that each one asks
// for, a JSON document an expression.
func listMetrics(expressions []string, out io.Writer) error {
	lines := json.NewEncoder(out)
	p := parser.NewParser(parser.Options{})
	for _, e := range expressions {
		tree, err := p.ParseExpr(e)
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		metrics := []string{}
		parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
			if s, ok := n.(*parser.VectorSelector); ok {
				metrics = append(metrics, s.Name)
			}
			return nil
		})
		slices.Sort(metrics)
		if err := lines.Encode(slices.Compact(metrics)); err != nil {
			return err
		}
	}
	return nil
}
