package corpus

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Bodies returns the data records of a Kinesis file of a corpus, as views into
// one buffer.
func Bodies(dir, name string) ([][]byte, error) {
	rest, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("%w: make a corpus by `go run ./bench/generate -out %s`", err, dir)
	}
	var list [][]byte
	for len(rest) > 0 {
		if len(rest) < 4 || uint64(binary.LittleEndian.Uint32(rest)) > uint64(len(rest)-4) {
			return nil, fmt.Errorf("%s ends within a record: make it anew", name)
		}
		end := 4 + int(binary.LittleEndian.Uint32(rest))
		list = append(list, rest[4:end:end])
		rest = rest[end:]
	}
	return list, nil
}

// ReadManifest reads what is known of the files of a corpus.
func ReadManifest(dir string) (m Manifest, err error) {
	text, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	return m, err
}

// Of returns what is known of a file; nothing when it is not there.
func (m *Manifest) Of(file string) (f FileStats) {
	for _, f := range m.Files {
		if f.File == file {
			return f
		}
	}
	return f
}
