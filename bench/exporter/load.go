package exporter

import (
	"fmt"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/bench/endpoint"
	"github.com/flowlog-exporter/flowlog-exporter/bench/measure"
)

// Load is a stream that is read from its beginning to its end, as fast as the
// program can.
type Load struct {
	Shards, Pages, PageBodies int
	// Apart gives the program a processor for itself, and this process the others.
	Apart bool
	// SubnetsFile is the address book.
	SubnetsFile string
	Bodies      []*endpoint.Body
}

// Loaded is what that took.
type Loaded struct {
	Records uint64
	// Wall and CPU end when all is counted, before the commit that shows it.
	Wall, CPU time.Duration
	// PeakRSS is in bytes, since the start of the program.
	PeakRSS uint64
	// Apart says that the program had a processor for itself.
	Apart bool
}

// Rate is records per second of CPU time.
func (l *Loaded) Rate() float64 { return float64(l.Records) / l.CPU.Seconds() }

// Run lets the program read the stream.
func (l Load) Run(program string) (out Loaded, err error) {
	stream := &endpoint.Stream{Shards: l.Shards, Pages: l.Pages, PageBodies: l.PageBodies, Bodies: l.Bodies}
	url, closeAll, err := stream.Serve()
	if err != nil {
		return out, err
	}
	defer closeAll()
	command := []string{program}
	if l.Apart {
		var undo func()
		command, undo, out.Apart = measure.Apart(program)
		defer undo()
	}
	p, err := Start(command[0], append(command[1:], fromStream(url, l.SubnetsFile, "--kinesis.poll-interval=200ms", "--state.commit-interval=1s")...)...)
	if err != nil {
		return out, err
	}
	defer p.Stop()
	if err := p.await("flowlog_source_shards", uint64(l.Shards)); err != nil {
		return out, err
	}
	out.Records = stream.Served()
	cpu, begun := p.CPU(), time.Now()
	stream.Open()
	select {
	case <-stream.Done():
	case <-time.After(patience):
		return out, &slowError{"the stream", 0, out.Records, p.stderr.String()}
	}
	out.Wall, out.CPU = time.Since(begun), p.CPU()-cpu
	if err := p.await("flowlog_records_total", out.Records); err != nil {
		return out, err
	}
	counted, err := p.Value("flowlog_records_counted_total")
	if err == nil && counted < 0.9*float64(out.Records) {
		err = fmt.Errorf("only %.0f of %d records counted: this is no measure of counting", counted, out.Records)
	}
	if err != nil {
		return out, err
	}
	out.PeakRSS = p.PeakRSS() // with the commit and the scrape that showed it
	return out, nil
}

// fromStream are the flags for reading a local stream.
func fromStream(url, subnets string, more ...string) []string {
	return append([]string{
		"--kinesis.stream=" + endpoint.Name, "--kinesis.start=trim_horizon", "--aws.region=" + endpoint.Region,
		"--aws.endpoint-url=" + url, "--subnets.file=" + subnets,
	}, more...)
}

// await waits until a metric has reached a value. It looks only now and then: a
// scrape costs the program little, but not nothing.
func (p *Process) await(metric string, value uint64) error {
	for begun := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		got, err := p.Value(metric)
		if err != nil {
			return err
		}
		if got >= float64(value) {
			return nil
		}
		if time.Since(begun) > patience {
			return &slowError{metric, got, value, p.stderr.String()}
		}
	}
}

// Idle is the share of one core that the program takes with shards that are
// caught up.
func Idle(program, subnets string, shards int, length time.Duration) (share float64, err error) {
	stream := &endpoint.Stream{Shards: shards}
	url, closeAll, err := stream.Serve()
	if err != nil {
		return 0, err
	}
	defer closeAll()
	p, err := Start(program, fromStream(url, subnets)...)
	if err != nil {
		return 0, err
	}
	defer p.Stop()
	if err := p.await("flowlog_source_shards", uint64(shards)); err != nil {
		return 0, err
	}
	time.Sleep(2 * time.Second) // the start is over
	cpu, begun := p.CPU(), time.Now()
	time.Sleep(length)
	return (p.CPU() - cpu).Seconds() / time.Since(begun).Seconds(), nil
}
