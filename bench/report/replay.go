package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/flowlog-exporter/flowlog-exporter/bench/corpus"
	"github.com/flowlog-exporter/flowlog-exporter/bench/exporter"
)

// pythonProgram has pyarrow; bench/setup.sh brings it.
const pythonProgram = ".venv/bin/python"

// writeParquet lets pyarrow write the objects of the corpus, if they are not those
// of its text already.
func (s *settings) writeParquet() error {
	text, err := os.Stat(filepath.Join(s.dir, corpus.S3V5))
	if err != nil {
		return err
	}
	if made, err := os.Stat(filepath.Join(s.dir, corpus.ParquetV5)); err == nil && made.ModTime().After(text.ModTime()) {
		return nil
	}
	if out, err := exec.Command(pythonProgram, "-B", "bench/parquet.py", s.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("bench/parquet.py: %w; bench/setup.sh brings what it needs\n%s", err, out)
	}
	return nil
}

// The text that is replayed is that of the corpus, so many times in so many objects.
const replayObjects, replayCopies = 4, 3

// replay lets the real program replay more than a gigabyte of text.
func (s *settings) replay(r *results) error {
	dir, err := os.MkdirTemp(s.dir, "replay")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	object, err := os.ReadFile(filepath.Join(s.dir, corpus.S3V2))
	if err != nil {
		return err
	}
	m, err := corpus.ReadManifest(s.dir)
	if err != nil {
		return err
	}
	for i := range replayObjects {
		file, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.log.gz", i)))
		if err != nil {
			return err
		}
		for range replayCopies { // members of gzip, each with its header line
			if _, err := file.Write(object); err != nil {
				return err
			}
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	r.Replay, err = exporter.Replay(s.exporter(), filepath.Join(s.dir, corpus.Subnets), dir)
	of := m.Of(corpus.S3V2)
	r.Replay.Objects, r.Replay.Text = replayObjects, replayObjects*replayCopies*of.RawBytes
	r.Replay.Records = replayObjects * replayCopies * of.FlowRecords
	return err
}
