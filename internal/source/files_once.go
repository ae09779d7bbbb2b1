package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"syscall"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// fingerprinted is how much of a file tells it from another one.
const fingerprinted = 64 << 10

// identify returns the place of a regular file as a whole: which file it is, by
// device and inode, so that another name changes nothing, and what it holds, by
// its size and its beginning, so that another content does. Size is how much of
// it there is to read. What is no regular file has a name only, and no end.
func (f *Files) identify(path string) (place flow.Place, size int64, err error) {
	info, err := os.Stat(path)
	if path == "-" || err == nil && !info.Mode().IsRegular() {
		return flow.Place{Partition: path}, math.MaxInt64, nil
	}
	if err != nil {
		return place, 0, err
	}
	name := path
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		name = fmt.Sprintf("inode %d:%d", stat.Dev, stat.Ino)
	}
	sum, err := fingerprint(path, info.Size())
	return flow.Place{Partition: name, Position: fmt.Sprintf("%d %s", info.Size(), sum)}, info.Size(), err
}

// fingerprint is a hash of the beginning of a file that has at least size bytes.
func fingerprint(path string, size int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.CopyN(hash, file, min(size, fingerprinted)); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)[:16]), nil
}

// readBefore reports whether the file was counted in this or an earlier run. One
// that has grown since is passed over too, with a warning: files are read whole,
// and what was counted would count again.
func (f *Files) readBefore(path string, place flow.Place) bool {
	if f.Places == nil || place.Position == "" {
		return false
	}
	before, ok := f.Places.Place(place.Partition)
	if !ok {
		return false
	}
	if before == place.Position {
		f.log().Info("file was counted before", "path", path)
		return true
	}
	var size int64
	if _, err := fmt.Sscan(before, &size); err != nil {
		return false
	}
	_, sum, _ := strings.Cut(before, " ")
	if now, err := fingerprint(path, size); err != nil || now != sum {
		return false // another file in its place
	}
	f.log().Warn("file has grown since it was counted: the rest is not read, for files are read whole and once", "path", path, "counted_bytes", size)
	return true
}

func (f *Files) log() *slog.Logger {
	if f.Logger == nil {
		return slog.Default()
	}
	return f.Logger
}
