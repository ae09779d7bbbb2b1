package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden is what the state files in testdata hold. The files of released
// versions are never changed.
var golden = map[int]*Snapshot{
	1: {
		Generation: 4711,
		Places: []Place{
			{"files", "", ""},
			{"kinesis", "shardId-000000000000", "49590338271490256608559692538361571095921575989136588898"},
			{"kinesis", "shardId-000000000001", "\x00\xff"},
		},
		Sections: []SectionState{
			{"traffic", []byte(strings.Repeat("10.0.0.0/24 ", 20))},
			{"nothing", []byte{}},
			{"accounts", []byte{0, 1, 2, 0xff}},
		},
	},
}

var update = flag.Bool("update", false, "write the state file of a version that has none yet")

func goldenFile(version int) string {
	return filepath.Join("testdata", fmt.Sprintf("state-v%d", version))
}

// TestEveryVersionIsRead loads a state file of every version there ever was.
func TestEveryVersionIsRead(t *testing.T) {
	for version := 1; version <= Version; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			want, ok := golden[version]
			if !ok {
				t.Fatalf("version %d has no snapshot in golden", version)
			}
			path := goldenFile(version)
			if _, err := os.Stat(path); *update && version == Version && errors.Is(err, os.ErrNotExist) {
				data, err := smallCodec(t).encode(want)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v: run go test with -update once, and keep the file for ever", err)
			}
			if written := binary.BigEndian.Uint16(data[len(magic):]); int(written) != version {
				t.Errorf("the file has version %d", written)
			}
			dir := t.TempDir()
			put(t, dir, newestName, data)
			f := openFile(t, dir)
			got, origin, err := f.Load()
			if err != nil || origin != Newest {
				t.Fatalf("loaded %v, %v", origin, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if err := f.Save(got); err != nil { // migrates it
				t.Error(err)
			}
		})
	}
}

func TestEncodingIsDeterministic(t *testing.T) {
	random := seeded(5)
	a, b := smallCodec(t), smallCodec(t)
	for n := range uint64(50) {
		s := anySnapshot(random, n)
		first, err := a.encode(s)
		if err != nil {
			t.Fatal(err)
		}
		first = bytes.Clone(first)
		again, err := b.encode(s)
		if err != nil || !bytes.Equal(first, again) {
			t.Fatalf("two encoders disagree (%v)", err)
		}
		if again, _ := a.encode(s); !bytes.Equal(again, first) {
			t.Fatal("an encoder disagrees with itself")
		}
		got, err := b.decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestLimit is that of both ways: what can be saved can be loaded.
func TestLimit(t *testing.T) {
	const limit = 1 << 20
	around := func(size int) *Snapshot {
		return &Snapshot{Sections: []SectionState{{"s", make([]byte, size)}}}
	}
	extra := len(appendSnapshot(nil, around(limit))) - limit
	c := smallCodec(t)
	data, err := c.encode(around(limit - extra))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.decode(data); err != nil {
		t.Error(err)
	}
	if _, err := c.encode(around(limit - extra + 1)); err == nil || !strings.Contains(err.Error(), "fewer series") {
		t.Errorf("one byte more: %v", err)
	}
	large, err := newCodec(2 * limit)
	if err != nil {
		t.Fatal(err)
	}
	if data, err = large.encode(around(limit + 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.decode(data); err == nil {
		t.Error("a payload beyond the limit was decompressed")
	}
}

// TestForeignContent reads files whose checksum is right, and that no release
// wrote.
func TestForeignContent(t *testing.T) {
	c := smallCodec(t)
	file := func(version uint16, content ...byte) []byte {
		header := binary.BigEndian.AppendUint16([]byte(magic), version)
		data := c.enc.EncodeAll(content, append(header, make([]byte, headerSize-len(header))...))
		seal(data)
		return data
	}
	long := file(1, 0, 0)
	long[checksumAt-1]++
	binary.BigEndian.PutUint32(long[checksumAt:], checksum(long))
	const foreign = "its content is not that of a state"
	for _, test := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", file(1), foreign},
		{"no sections", file(1, 0), foreign},
		{"more than sections", file(1, 0, 0, 0), foreign},
		{"half a number", file(1, 0x80), foreign},
		{"more places than bytes", file(1, 2, 0, 0, 0, 0), foreign},
		{"more sections than bytes", file(1, 0, 2, 0, 0, 0), foreign},
		{"a text longer than the rest", file(1, 1, 4, 'a', 0, 0), foreign},
		{"version 0", file(0, 0, 0), "its version is 0"},
		{"another length", long, "bytes follow its header, which promises"},
	} {
		if s, err := c.decode(test.data); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, %v", test.name, s, err)
		}
	}
	if _, err := c.decode(file(1, 0, 0)); err != nil {
		t.Error(err)
	}
}

// TestEveryTruncationAndBitFlip damages the newest generation in every way that
// one bit or one length can be wrong: the previous generation is loaded, or
// without one nothing.
func TestEveryTruncationAndBitFlip(t *testing.T) {
	data, err := os.ReadFile(goldenFile(1))
	if err != nil {
		t.Fatal(err)
	}
	c := smallCodec(t)
	older := &Snapshot{Generation: 4710, Places: []Place{{"kinesis", "a", "1"}}}
	previous, err := c.encode(older)
	if err != nil {
		t.Fatal(err)
	}
	previous = bytes.Clone(previous)
	tried := 0
	try := func(what string, damaged []byte) {
		t.Helper()
		tried++
		d := newFrailDisk()
		d.live[filepath.Join(frailDir, newestName)] = &node{live: damaged}
		f := &File{disk: d, dir: frailDir, codec: c}
		if s, _, err := f.Load(); err == nil || !strings.Contains(err.Error(), "/state is damaged: ") || !strings.Contains(err.Error(), "/state.1 is missing") {
			t.Fatalf("%s: loaded %v, %v", what, s, err)
		}
		d.live[filepath.Join(frailDir, previousName)] = &node{live: previous}
		s, origin, err := f.Load()
		if err != nil || origin != Previous || !same(s, older) || !isDamage(f.Damage()) {
			t.Fatalf("%s: loaded %v, %v, %v", what, s, origin, err)
		}
	}
	for n := range data {
		try(fmt.Sprintf("%d bytes", n), data[:n])
	}
	for i := range len(data) * 8 {
		flipped := bytes.Clone(data)
		flipped[i/8] ^= 1 << (i % 8)
		try(fmt.Sprintf("bit %d", i), flipped)
	}
	for i := range 256 {
		try(fmt.Sprintf("and a byte %d", i), append(bytes.Clone(data), byte(i)))
	}
	t.Logf("a state file of %d bytes, damaged in %d ways", len(data), tried)
}

// FuzzLoad loads anything as the newest generation. With sealed, its length and
// checksum are made right, so that what is behind them is reached; with packed,
// it is the content before compression.
func FuzzLoad(f *testing.F) {
	data, err := os.ReadFile(goldenFile(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, false, false)
	f.Add(data, true, false)
	f.Add(data[:headerSize], true, false)
	f.Add(data[:12], false, false)
	f.Add([]byte{}, false, false)
	f.Add(appendSnapshot(nil, golden[1]), false, true)
	f.Add([]byte{0, 0}, false, true)
	f.Add(binary.AppendUvarint(nil, 1<<63), false, true)
	c, second := smallCodec(f), smallCodec(f)
	older := &Snapshot{Generation: 1}
	previous, err := second.encode(older)
	if err != nil {
		f.Fatal(err)
	}
	previous = bytes.Clone(previous)
	f.Fuzz(func(t *testing.T, data []byte, sealed, packed bool) {
		data = bytes.Clone(data)
		if packed {
			header := binary.BigEndian.AppendUint16([]byte(magic), 1)
			data = c.enc.EncodeAll(data, append(header, make([]byte, headerSize-len(header))...))
			seal(data)
		} else if sealed && len(data) >= headerSize {
			seal(data)
		}
		d := newFrailDisk()
		d.live[filepath.Join(frailDir, newestName)] = &node{live: data}
		d.live[filepath.Join(frailDir, previousName)] = &node{live: previous}
		file := &File{disk: d, dir: frailDir, codec: c}
		s, origin, err := file.Load()
		var newer *VersionError
		switch {
		case errors.As(err, &newer):
			if newer.Found <= Version {
				t.Fatal(err)
			}
		case err != nil:
			t.Fatal(err)
		case origin == Previous:
			if !same(s, older) || !isDamage(file.Damage()) {
				t.Fatalf("loaded %v for the previous one, damage %v", s, file.Damage())
			}
		default:
			if !rightChecksum(data) {
				t.Fatal("loaded against the checksum")
			}
			again, err := second.encode(s)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := second.decode(again); err != nil || !same(s, back) {
				t.Fatalf("saved again it is %v, %v", back, err)
			}
		}
	})
}

// rightChecksum computes CRC-32C bit by bit.
func rightChecksum(data []byte) bool {
	crc := ^uint32(0)
	for i, b := range data {
		if i >= checksumAt && i < headerSize {
			continue
		}
		crc ^= uint32(b)
		for range 8 {
			crc = crc>>1 ^ bits.Reverse32(0x1EDC6F41)&-(crc&1)
		}
	}
	return ^crc == binary.BigEndian.Uint32(data[checksumAt:])
}
