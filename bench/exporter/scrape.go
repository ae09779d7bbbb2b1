package exporter

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"time"
)

// Form is one in which /metrics can be asked for.
type Form struct {
	Name   string
	accept string
	zip    bool
}

// Forms are those that Prometheus asks for, and both compressed.
var Forms = []Form{
	{"text", "text/plain;version=0.0.4", false},
	{"OpenMetrics", "application/openmetrics-text;version=1.0.0", false},
	{"text, gzip", "text/plain;version=0.0.4", true},
	{"OpenMetrics, gzip", "application/openmetrics-text;version=1.0.0", true},
}

// Scraped is what one scrape costs the program.
type Scraped struct {
	Form   string
	Series int
	Bytes  int // of the answer
	CPU    time.Duration
	Allocs float64
}

// quiet lets no commit fall between two scrapes.
const quiet = "--state.commit-interval=1h"

// Scrapes measures the forms in turn, so many rounds of so many scrapes each,
// and returns the least CPU time and the least allocations of each form.
func Scrapes(program, file, subnets string, rounds, scrapes int) (list []Scraped, err error) {
	p, err := Start(program, "--file.path="+file, "--subnets.file="+subnets, quiet)
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	text, err := p.Scrape("", false)
	if err != nil {
		return nil, err
	}
	series := bytes.Count(text, []byte("\nflowlog_"))
	for round := range rounds {
		for i, form := range Forms {
			s, err := p.scrapes(form, scrapes)
			if err != nil {
				return nil, err
			}
			s.Series = series
			if round == 0 {
				list = append(list, s)
			}
			list[i].CPU, list[i].Allocs = min(list[i].CPU, s.CPU), min(list[i].Allocs, s.Allocs)
		}
	}
	return list, nil
}

func (p *Process) scrapes(form Form, n int) (s Scraped, err error) {
	s.Form = form.Name
	before, err := p.Value("go_memstats_mallocs_total")
	if err != nil {
		return s, err
	}
	between := p.CPU()
	for range n {
		answer, err := p.Scrape(form.accept, form.zip)
		if err != nil {
			return s, err
		}
		s.Bytes = len(answer)
	}
	s.CPU = (p.CPU() - between) / time.Duration(n)
	after, err := p.Value("go_memstats_mallocs_total")
	s.Allocs = (after - before) / float64(n+1) // and the one that told
	return s, err
}

// Commit is what one commit costs the program, without a state on disk: what
// it takes more per second when it commits often than when it does not.
func Commit(program, file, subnets string, length time.Duration) (each time.Duration, err error) {
	const interval = 250 * time.Millisecond
	var spent [2]time.Duration
	for i, flag := range []string{quiet, "--state.commit-interval=" + interval.String()} {
		p, err := Start(program, "--file.path="+file, "--subnets.file="+subnets, flag)
		if err != nil {
			return 0, err
		}
		time.Sleep(time.Second)
		cpu := p.CPU()
		time.Sleep(length)
		spent[i] = p.CPU() - cpu
		p.Stop()
	}
	return (spent[1] - spent[0]) / (length / interval), nil
}

// WriteSubnets writes a list of subnets for the program.
func WriteSubnets(file string, subnets []netip.Prefix) error {
	var text []byte
	for _, p := range subnets {
		text = fmt.Appendln(text, p)
	}
	return os.WriteFile(file, text, 0o600)
}
