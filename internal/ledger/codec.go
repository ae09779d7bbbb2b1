package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

// Version is the version of the state files that this program writes. It reads
// all versions up to it. Who raises it adds a reader to payloads, and a file of
// the new version to testdata.
const Version = 1

// MaxState is the size, in bytes, that a snapshot may have before compression.
// It bounds the memory of loading: a series takes about 100 bytes.
const MaxState = 256 << 20

// A state file is a header and a payload. The header is the same in all
// versions, so that a newer state is not taken for a damaged one:
//
//	 0  magic       8 bytes
//	 8  version     uint16, big endian, as all numbers here
//	10  generation  uint64
//	18  length      uint64, of the payload
//	26  checksum    CRC-32C of the 26 bytes before it and of the payload
//	30  payload
const (
	magic      = "FLOWLOG\n"
	checksumAt = 26
	headerSize = 30
)

// payloads reads the payload of each version.
var payloads = [Version + 1]func(c *codec, payload []byte, s *Snapshot) error{
	1: (*codec).payload1,
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// codec turns snapshots into state files and back. It uses its buffers again,
// and is not safe for concurrent use.
type codec struct {
	limit    int // bytes before compression
	enc      *zstd.Encoder
	dec      *zstd.Decoder
	raw, out []byte
}

func newCodec(limit int) (*codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)))
	if err != nil {
		return nil, err
	}
	return &codec{limit: limit, enc: enc, dec: dec}, nil
}

// encode returns the state file of s, the same for the same snapshot. It is
// valid until the next call.
func (c *codec) encode(s *Snapshot) ([]byte, error) {
	c.raw = appendSnapshot(c.raw[:0], s)
	if len(c.raw) > c.limit {
		return nil, fmt.Errorf("the state has %d bytes, and no more than %d are allowed. Count fewer series, or start from zero", len(c.raw), c.limit)
	}
	c.out = append(c.out[:0], magic...)
	c.out = binary.BigEndian.AppendUint16(c.out, Version)
	c.out = binary.BigEndian.AppendUint64(c.out, s.Generation)
	c.out = append(c.out, make([]byte, headerSize-len(c.out))...)
	c.out = c.enc.EncodeAll(c.raw, c.out)
	seal(c.out)
	return c.out, nil
}

// seal writes the length and the checksum into a state file.
func seal(b []byte) {
	binary.BigEndian.PutUint64(b[checksumAt-8:], uint64(len(b)-headerSize))
	binary.BigEndian.PutUint32(b[checksumAt:], checksum(b))
}

func checksum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:checksumAt], castagnoli), castagnoli, b[headerSize:])
}

// decode reads a state file. Its errors are a *VersionError, and what is wrong
// with a damaged file. The snapshot shares no memory with b.
func (c *codec) decode(b []byte) (*Snapshot, error) {
	if len(b) < headerSize {
		return nil, fmt.Errorf("it has %d bytes, and a header alone has %d", len(b), headerSize)
	}
	if string(b[:len(magic)]) != magic {
		return nil, errors.New("it does not begin as a state file does")
	}
	if length := binary.BigEndian.Uint64(b[checksumAt-8:]); length != uint64(len(b)-headerSize) {
		return nil, fmt.Errorf("%d bytes follow its header, which promises %d", len(b)-headerSize, length)
	}
	if checksum(b) != binary.BigEndian.Uint32(b[checksumAt:]) {
		return nil, errors.New("its checksum is wrong")
	}
	version := binary.BigEndian.Uint16(b[len(magic):])
	switch {
	case version > Version:
		return nil, &VersionError{Found: int(version), Known: Version}
	case version == 0:
		return nil, errors.New("its version is 0")
	}
	s := &Snapshot{Generation: binary.BigEndian.Uint64(b[len(magic)+2:])}
	if err := payloads[version](c, b[headerSize:], s); err != nil {
		return nil, err
	}
	return s, nil
}

// payload1 reads one zstd frame of places and sections.
func (c *codec) payload1(payload []byte, s *Snapshot) error {
	raw, err := c.dec.DecodeAll(payload, nil)
	if err != nil {
		return fmt.Errorf("it cannot be decompressed: %w", err)
	}
	p := parser{rest: raw}
	for range p.count(3) {
		s.Places = append(s.Places, Place{string(p.bytes()), string(p.bytes()), string(p.bytes())})
	}
	for range p.count(2) {
		s.Sections = append(s.Sections, SectionState{string(p.bytes()), p.bytes()})
	}
	if p.bad || len(p.rest) > 0 {
		return errors.New("its content is not that of a state")
	}
	return nil
}

// appendSnapshot appends what payload1 reads before compression: the number of
// places and each, the number of sections and each. Texts are their length and
// their bytes; numbers are unsigned varints.
func appendSnapshot(b []byte, s *Snapshot) []byte {
	b = binary.AppendUvarint(b, uint64(len(s.Places)))
	for _, p := range s.Places {
		b = appendText(appendText(appendText(b, p.Source), p.Partition), p.Position)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Sections)))
	for _, section := range s.Sections {
		b = appendText(appendText(b, section.Name), section.Data)
	}
	return b
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// parser takes texts and numbers off rest, until one does not fit.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) number() uint64 {
	n, size := binary.Uvarint(p.rest)
	if p.bad || size <= 0 {
		p.bad = true
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

// count is the number of things that follow, each of at least size bytes.
func (p *parser) count(size int) uint64 {
	n := p.number()
	if n > uint64(len(p.rest)/size) {
		p.bad = true
		return 0
	}
	return n
}

func (p *parser) bytes() []byte {
	n := p.count(1)
	text := p.rest[:n:n]
	p.rest = p.rest[n:]
	return text
}
