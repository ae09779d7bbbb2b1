// Package judge counts a corpus both ways, by the product and by the oracle,
// and says where they differ. No figure is printed of a way that counts wrongly.
package judge

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/bench/way"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
	"github.com/flowlog-exporter/flowlog-exporter/test/oracle"
)

// Files are the files of a corpus that can be judged.
var Files = []string{corpus.KinesisV2, corpus.KinesisV2Clean, corpus.KinesisV5, corpus.S3V2, corpus.S3V5}

// Parquet are those that another writer made of some of them.
var Parquet = []string{corpus.ParquetV2, corpus.ParquetV5}

// Totals are what both ways must come to.
type Totals struct {
	Rows                                   map[oracle.Row]oracle.Amount
	Records, Counted, Unmatched, Ambiguous uint64
	Skipped                                map[string]uint64
}

// Equal counts a file of a corpus both ways and returns how many records it
// has. An error says what differs.
func Equal(dir, file string) (records uint64, err error) {
	subnets, err := way.Subnets(dir)
	if err != nil {
		return 0, err
	}
	formats, err := way.Formats(file)
	if err != nil {
		return 0, err
	}
	t := &trial{way: way.New(subnets, formats), slow: &oracle.Counter{}}
	for _, s := range subnets {
		t.slow.Subnets = append(t.slow.Subnets, oracle.Subnet{CIDR: s.CIDR, Prefixes: s.Prefixes})
	}
	t.way.Pipeline.Observers = append(t.way.Pipeline.Observers, t)
	if strings.HasPrefix(file, "s3-") {
		err = t.object(filepath.Join(dir, file))
	} else {
		err = t.messages(dir, file)
	}
	if err != nil {
		return 0, err
	}
	fast, slow := t.fast(), Totals{t.slow.Rows, t.slow.Records, t.slow.Counted, t.slow.Unmatched, t.slow.Ambiguous, t.slow.Skipped}
	if d := difference(fast, slow); d != "" {
		return 0, fmt.Errorf("%s: the product and the oracle count differently: %s", file, d)
	}
	return slow.Records, nil
}

// trial is one file on its way through both.
type trial struct {
	way    *way.Way
	slow   *oracle.Counter
	blocks []int // records of each block of the body in hand
}

// Observe implements pipeline.Observer. What is learned of an interface is
// learned from whole blocks, so the oracle has to be told of the same ones.
func (t *trial) Observe(_ string, records []flow.Record) { t.blocks = append(t.blocks, len(records)) }

func (t *trial) messages(dir, file string) error {
	in, err := way.Load(dir, file)
	if err != nil {
		return err
	}
	fields := strings.Fields(corpus.FieldsV2)
	if file == corpus.KinesisV5 {
		fields = strings.Fields(corpus.FieldsV5)
	}
	t.way.Begin()
	for i, data := range in.Bodies {
		t.blocks = t.blocks[:0]
		if err := t.way.Handle(in.Places[i], data); err != nil {
			return err
		}
		body, err := open(data)
		if err != nil {
			return err
		}
		body.Formats = [][]string{fields}
		t.count(body)
	}
	return nil
}

func (t *trial) object(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	err = t.way.Pipeline.Handle(context.Background(), flow.Body{Source: way.Source, Stream: bytes.NewReader(data)})
	if err != nil {
		return err
	}
	if twin, ok := strings.CutSuffix(file, ".parquet"); ok { // the oracle reads its text
		if data, err = os.ReadFile(twin + ".gz"); err != nil {
			return err
		}
	}
	text, err := inflate(data)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	t.count(oracle.Body{Text: true, Formats: [][]string{strings.Fields(lines[0])}, Lines: lines[1:]})
	return nil
}

// count lets the oracle count a body in the blocks in which the product did.
func (t *trial) count(b oracle.Body) {
	rest := b.Lines
	for _, records := range t.blocks {
		n := 0
		for ; n < len(rest) && records > 0; n++ {
			if traffics(rest[n]) {
				records--
			}
		}
		b.Lines, rest = rest[:n], rest[n:]
		t.slow.Count(b)
	}
	b.Lines = rest
	t.slow.Count(b)
}

// traffics reports whether a line tells of traffic; the log-status of both
// formats is their 14th field.
func traffics(line string) bool {
	fields := strings.Fields(line)
	return len(fields) >= 14 && fields[13] == "OK"
}

func inflate(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// fast returns the totals of the product.
func (t *trial) fast() Totals {
	s := t.way.Accounts.Sum()
	out := Totals{map[oracle.Row]oracle.Amount{}, s.Records, s.Counted, s.Unmatched, s.Ambiguous, map[string]uint64{}}
	for reason, n := range s.Skipped {
		if n > 0 {
			out.Skipped[flow.Reason(reason).String()] = n
		}
	}
	for _, row := range t.way.Totals.Rows() {
		for class, a := range row.Counts {
			c := traffic.Class(class)
			key := oracle.Row{
				VPCID: row.Subnet.VPCID, CIDR: row.Subnet.CIDR,
				Egress: c == traffic.Sent || c == traffic.DeniedEgress, Denied: c == traffic.DeniedIngress || c == traffic.DeniedEgress,
			}
			if a.Flows > 0 {
				out.Rows[key] = oracle.Amount{Bytes: a.Bytes, Packets: a.Packets, Flows: a.Flows}
			}
		}
	}
	return out
}

// difference says what is not equal first; nothing when all is.
func difference(fast, slow Totals) string {
	for _, n := range []struct {
		what       string
		fast, slow uint64
	}{
		{"records", fast.Records, slow.Records}, {"counted", fast.Counted, slow.Counted},
		{"unmatched", fast.Unmatched, slow.Unmatched}, {"ambiguous", fast.Ambiguous, slow.Ambiguous},
	} {
		if n.fast != n.slow {
			return fmt.Sprintf("%d records %s, the oracle has %d", n.fast, n.what, n.slow)
		}
	}
	if !maps.Equal(fast.Skipped, slow.Skipped) {
		return fmt.Sprintf("skipped %v, the oracle %v", fast.Skipped, slow.Skipped)
	}
	for row, want := range slow.Rows {
		if got := fast.Rows[row]; got != want {
			return fmt.Sprintf("%+v has %+v, the oracle has %+v", row, got, want)
		}
	}
	if len(fast.Rows) != len(slow.Rows) {
		return fmt.Sprintf("%d rows, the oracle has %d", len(fast.Rows), len(slow.Rows))
	}
	return ""
}
