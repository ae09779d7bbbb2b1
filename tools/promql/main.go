// Command promql lets Prometheus' own engine look at recorded scrapes:
//
//	promql EXPRESSION... < recording
//	promql -metrics EXPRESSION...
//
// The second only parses the expressions, and writes for each one which metrics
// it asks for.
//
// The recording has one JSON document a series: its text as in an exposition,
// the times of its samples in milliseconds, rising, and their values. $whole in
// an expression stands for the range from the first sample of all to the last,
// and each expression is evaluated at the time of the last. What comes out is
// one JSON document for each series of each answer.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// answer is one series that an expression gave.
type answer struct {
	Expression string  `json:"expression"`
	Series     string  `json:"series"`
	Value      float64 `json:"value"`
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "promql:", err)
		os.Exit(1)
	}
}

func run(expressions []string, in io.Reader, out io.Writer) error {
	if len(expressions) > 0 && expressions[0] == "-metrics" {
		return listMetrics(expressions[1:], out)
	}
	r, err := read(in)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for _, e := range expressions {
		answers, err := r.evaluate(e)
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		for _, a := range answers {
			if err := lines.Encode(a); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

// evaluate evaluates one expression at the time of the last sample.
func (r *recording) evaluate(expression string) ([]answer, error) {
	if r.last <= r.first {
		return nil, errors.New("the recording has less than two scrapes")
	}
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: math.MaxInt32, Timeout: 5 * time.Minute, Parser: parser.NewParser(parser.Options{}),
	})
	defer engine.Close()
	// A range does not hold a sample at its very beginning.
	text := strings.ReplaceAll(expression, "$whole", fmt.Sprintf("%dms", r.last-r.first+1))
	query, err := engine.NewInstantQuery(context.Background(), r, nil, text, time.UnixMilli(r.last))
	if err != nil {
		return nil, err
	}
	defer query.Close()
	result := query.Exec(context.Background())
	if result.Err != nil {
		return nil, result.Err
	}
	vector, err := result.Vector()
	if err != nil {
		return nil, err
	}
	var answers []answer
	for _, s := range vector {
		answers = append(answers, answer{expression, s.Metric.String(), s.F})
	}
	return answers, nil
}
