// Package corpus makes the flow logs that the benchmarks read, and reads them
// back. The same options give the same text; compressed bytes are the same with
// the same release of Go.
//
// What decides how well the text compresses and how lookups behave is modelled
// on real deliveries: event ids are the timestamp shifted by 144 bits, plus a
// constant of the envelope and a sequence number; an envelope belongs to one
// network interface, whose own address is one end of every flow in it; peers
// are drawn from a skewed distribution; about half of the flows are followed by
// their reverse; start and end take a few values per envelope.
package corpus

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// The files of a corpus.
const (
	// Subnets lists the subnets, one CIDR a line. One that is nested in
	// another stands before it, so that the first match is the longest one.
	Subnets = "subnets.txt"
	// KinesisV2 holds envelopes of the default 14-field format, with lines
	// that say NODATA or SKIPDATA.
	KinesisV2 = "kinesis-v2.bin"
	// KinesisV2Clean holds the same flows without those lines.
	KinesisV2Clean = "kinesis-v2clean.bin"
	// KinesisV5 holds the same flows in a 29-field custom format.
	KinesisV5 = "kinesis-v5.bin"
	// S3V2 is one S3 object with a header line: the same flows, and more of
	// the kind until it is large enough.
	S3V2 = "s3-v2.log.gz"
	// S3V5 is such an object of 29 fields.
	S3V5 = "s3-v5.log.gz"
	// ParquetV2 and ParquetV5 are those objects as bench/parquet.py writes them.
	ParquetV2 = "s3-v2.log.parquet"
	ParquetV5 = "s3-v5.log.parquet"
	// ManifestFile tells the counts and sizes of all that Write makes.
	ManifestFile = "manifest.json"
)

// FieldsV2 and FieldsV5 name the fields of a line, as the header line of an S3
// object does.
const (
	FieldsV2 = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
	FieldsV5 = FieldsV2 + " vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id" +
		" sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"
)

// Options say what to make.
type Options struct {
	// Seed of everything that is drawn.
	Seed uint64
	// Records is the number of Kinesis data records, one envelope each.
	Records int
	// MinEvents and MaxEvents bound the log events of an envelope.
	MinEvents, MaxEvents int
	// BadShare is the share of NODATA and SKIPDATA lines, 0 to 1.
	BadShare float64
	// Level is the gzip level.
	Level int
	// S3Bytes is how much text each S3 object has at least.
	S3Bytes int64
}

// Default is the corpus that the published figures are measured on.
func Default() Options {
	return Options{Seed: 1, Records: 2000, MinEvents: 50, MaxEvents: 400, BadShare: 0.03, Level: 6, S3Bytes: 100 << 20}
}

// output is a file that takes envelopes.
type output interface {
	add(*envelope) error
	full() bool // takes no more
	close() (FileStats, error)
}

// Write makes the corpus in the folder, which it creates.
func Write(dir string, o Options) (*Manifest, error) {
	if o.MinEvents < 1 || o.MaxEvents < o.MinEvents {
		return nil, fmt.Errorf("%d to %d events do not fit an envelope", o.MinEvents, o.MaxEvents)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	w := newWorld(o)
	var list []byte
	for _, p := range w.subnets {
		list = append(p.AppendTo(list), '\n')
	}
	if err := os.WriteFile(filepath.Join(dir, Subnets), list, 0o644); err != nil {
		return nil, err
	}
	m := &Manifest{Interfaces: len(w.interfaces), Seed: o.Seed, Subnets: len(w.subnets)}
	files, err := create(dir, o)
	if err != nil {
		return nil, err
	}
	if err := m.fill(w, o, files); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	return m, os.WriteFile(filepath.Join(dir, ManifestFile), append(text, '\n'), 0o644)
}

func create(dir string, o Options) (files []output, err error) {
	for _, k := range []struct {
		name      string
		v5, clean bool
	}{{KinesisV2, false, false}, {KinesisV2Clean, false, true}, {KinesisV5, true, false}} {
		f, err := newKinesisFile(dir, k.name, o, k.v5, k.clean)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	for _, s := range []struct {
		name string
		v5   bool
	}{{S3V2, false}, {S3V5, true}} {
		f, err := newS3File(dir, s.name, o, s.v5)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// fill draws envelopes until every file is full.
func (m *Manifest) fill(w *world, o Options, files []output) error {
	for n, open := 0, true; open; n++ {
		open = false
		env := w.next()
		if n < o.Records {
			m.KinesisV2.count(env)
		}
		for _, f := range files {
			if f.full() {
				continue
			}
			if err := f.add(env); err != nil {
				return err
			}
			open = open || !f.full()
		}
	}
	for _, f := range files {
		stats, err := f.close()
		if err != nil {
			return err
		}
		m.Files = append(m.Files, stats)
	}
	return nil
}
