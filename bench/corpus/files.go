package corpus

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
)

// kinesisFile is a sequence of data records: the length as a little-endian
// uint32, then one gzip member of an envelope.
type kinesisFile struct {
	stats     FileStats
	file      *os.File
	out       *bufio.Writer
	gz        *gzip.Writer
	v5, clean bool
	want      int // envelopes
	text      []byte
	packed    bytes.Buffer
}

func newKinesisFile(dir, name string, o Options, v5, clean bool) (*kinesisFile, error) {
	file, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	k := &kinesisFile{stats: FileStats{File: name}, file: file, out: bufio.NewWriterSize(file, 1<<20), v5: v5, clean: clean, want: o.Records}
	k.gz, err = gzip.NewWriterLevel(io.Discard, o.Level)
	return k, err
}

func (k *kinesisFile) full() bool { return k.stats.KinesisRecords >= k.want }

func (k *kinesisFile) add(env *envelope) error {
	var events int
	k.text, events = appendEnvelope(k.text[:0], env, k.v5, k.clean)
	k.packed.Reset()
	k.gz.Reset(&k.packed)
	if _, err := k.gz.Write(k.text); err != nil {
		return err
	}
	if err := k.gz.Close(); err != nil {
		return err
	}
	k.stats.KinesisRecords++
	k.stats.FlowRecords += events
	k.stats.RawBytes += int64(len(k.text))
	k.stats.GzipBytes += int64(k.packed.Len())
	var length [4]byte
	binary.LittleEndian.PutUint32(length[:], uint32(k.packed.Len()))
	_, _ = k.out.Write(length[:]) // an error stays in the writer
	_, err := k.out.Write(k.packed.Bytes())
	return err
}

func (k *kinesisFile) close() (FileStats, error) {
	if err := k.out.Flush(); err != nil {
		return k.stats, err
	}
	return k.stats.finish(), k.file.Close()
}

// s3File is one S3 object: a header line and lines in one gzip member.
type s3File struct {
	stats      FileStats
	file       *os.File
	gz         *gzip.Writer
	v5         bool
	envelopes  int
	want       int   // envelopes at least
	wantsBytes int64 // of text at least
	text       []byte
}

func newS3File(dir, name string, o Options, v5 bool) (*s3File, error) {
	file, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	s := &s3File{stats: FileStats{File: name}, file: file, v5: v5, want: o.Records, wantsBytes: o.S3Bytes}
	if s.gz, err = gzip.NewWriterLevel(file, o.Level); err != nil {
		return nil, err
	}
	header := FieldsV2
	if v5 {
		header = FieldsV5
	}
	n, err := io.WriteString(s.gz, header+"\n")
	s.stats.RawBytes += int64(n)
	return s, err
}

func (s *s3File) full() bool { return s.envelopes >= s.want && s.stats.RawBytes >= s.wantsBytes }

func (s *s3File) add(env *envelope) error {
	s.text = s.text[:0]
	for i := range env.flows {
		s.text = append(appendLine(s.text, env.from, &env.flows[i], s.v5), '\n')
	}
	s.envelopes++
	s.stats.FlowRecords += len(env.flows)
	s.stats.RawBytes += int64(len(s.text))
	_, err := s.gz.Write(s.text)
	return err
}

func (s *s3File) close() (FileStats, error) {
	if err := s.gz.Close(); err != nil {
		return s.stats, err
	}
	info, err := s.file.Stat()
	if err != nil {
		return s.stats, err
	}
	s.stats.GzipBytes = info.Size()
	return s.stats.finish(), s.file.Close()
}

func (s FileStats) finish() FileStats {
	s.RawPerFlow = float64(s.RawBytes) / float64(s.FlowRecords)
	s.GzipPerFlow = float64(s.GzipBytes) / float64(s.FlowRecords)
	s.Ratio = float64(s.RawBytes) / float64(s.GzipBytes)
	return s
}
