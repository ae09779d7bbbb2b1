package way

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// Input is the Kinesis data records of a corpus in memory, and what is known
// beside them.
type Input struct {
	File    string
	Bodies  [][]byte
	Places  []flow.Place // of the bodies
	Subnets []flow.Subnet
	Formats flowlog.Formats
}

// shards is over how many shards the bodies are spread.
const shards = 8

// Load reads a Kinesis file of a corpus.
func Load(dir, file string) (*Input, error) {
	in := &Input{File: file}
	var err error
	if in.Bodies, err = corpus.Bodies(dir, file); err != nil {
		return nil, err
	}
	for i := range in.Bodies {
		in.Places = append(in.Places, flow.Place{Partition: fmt.Sprintf("shardId-%012d", i%shards), Position: strconv.Itoa(i)})
	}
	if in.Subnets, err = Subnets(dir); err != nil {
		return nil, err
	}
	in.Formats, err = Formats(file)
	return in, err
}

// Subnets returns the address book of a corpus.
func Subnets(dir string) ([]flow.Subnet, error) {
	text, err := os.ReadFile(filepath.Join(dir, corpus.Subnets))
	if err != nil {
		return nil, err
	}
	return vpc.ParseSubnets(corpus.Subnets, text)
}

// Formats returns how the lines of a file are to be read; a file with a header
// line overrides it.
func Formats(file string) (flowlog.Formats, error) {
	if file != corpus.KinesisV5 {
		return flowlog.Fixed(flowlog.Default, flowlog.TransitGateway), nil
	}
	format, err := flowlog.ParseFormat(corpus.FieldsV5)
	if err != nil {
		return nil, err
	}
	return flowlog.Fixed(format), nil
}

// Prefixes returns all ranges of the subnets.
func (in *Input) Prefixes() (list []netip.Prefix) {
	for _, s := range in.Subnets {
		list = append(list, s.Prefixes...)
	}
	return list
}

// Pass takes the bodies once through a way, by so many goroutines at once, as
// shards that never wait would.
func (in *Input) Pass(w *Way, readers int) error {
	w.Begin()
	return in.Stretch(w, 0, len(in.Bodies), readers)
}

// Stretch takes some of the bodies of a pass through, from one number on and
// before another.
func (in *Input) Stretch(w *Way, from, to, readers int) error {
	return Each(from, to, readers, func(i int) error { return w.Handle(in.Places[i], in.Bodies[i]) })
}

// Each does something with each number from one on and before another, by so
// many goroutines at once; each ends at its first error.
func Each(from, to, readers int, do func(i int) error) error {
	var next atomic.Int64
	next.Store(int64(from))
	failed := make(chan error, readers)
	read := func() {
		for i := next.Add(1) - 1; i < int64(to); i = next.Add(1) - 1 {
			if err := do(int(i)); err != nil {
				failed <- err
				return
			}
		}
	}
	var running sync.WaitGroup
	for range readers - 1 {
		running.Go(read)
	}
	read()
	running.Wait()
	close(failed)
	return <-failed
}
