package source

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// maxKeyFile is how large a file of access keys may be, in bytes.
	maxKeyFile = 64 << 10
	// maxKeys is how many access keys may be valid at the same time.
	maxKeys = 16
	// maxAccessKey is the longest access key that Firehose sends, in bytes.
	maxAccessKey = 4096
	// keysAge is how long what the file says is believed without a look at it.
	keysAge = time.Second
)

// Keys are the access keys of a file: one a line, or the JSON of a secret of
// Secrets Manager, {"api_key":"<key>"}. The file is read again when it has
// changed, so that keys are rotated without a restart: the new one beside the old
// one first. While it can't be read, the keys read before stay valid. Kept are
// sums of the keys alone, so that no key can be told. Safe for concurrent use.
type Keys struct {
	path string
	said complaints

	mu     sync.Mutex
	looked time.Time
	seen   fs.FileInfo
	sums   [][sha256.Size]byte
}

// LoadKeys reads a file of at least one key. Errors name the file, never a key.
func LoadKeys(path string, log *slog.Logger) (*Keys, error) {
	k := &Keys{path: path, said: complaints{log: log}, looked: time.Now()}
	if err := k.load(); err != nil {
		return nil, err
	}
	return k, nil
}

// Read reads the keys of another file, or of the same one at once. They are believed
// from the call of use on; on an error nothing changes.
func (k *Keys) Read(path string) (use func(), err error) {
	fresh := &Keys{path: path}
	if err := fresh.load(); err != nil {
		return nil, err
	}
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.path, k.looked, k.seen, k.sums = path, time.Now(), fresh.seen, fresh.sums
	}, nil
}

// Valid reports whether the key is one of them, in a time that says nothing
// about them.
func (k *Keys) Valid(key string) bool {
	got := sha256.Sum256([]byte(key))
	valid := 0
	for _, sum := range k.current() {
		valid |= subtle.ConstantTimeCompare(sum[:], got[:])
	}
	return valid == 1
}

// current returns the sums, after a look at the file when it is time.
func (k *Keys) current() [][sha256.Size]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.looked) < keysAge {
		return k.sums
	}
	k.looked = time.Now()
	if err := k.load(); err != nil {
		k.said.warn("keys", "the access keys can't be read again: those read before stay valid", "err", err)
	} else {
		k.said.over("keys", "the access keys are read again")
	}
	return k.sums
}

// load reads the file if it is not the one that was read last. The caller holds
// the lock.
func (k *Keys) load() error {
	file, err := os.Open(k.path)
	if err != nil {
		return err
	}
	defer file.Close()
	now, err := file.Stat()
	if err != nil {
		return err
	}
	if k.seen != nil && os.SameFile(now, k.seen) && now.ModTime().Equal(k.seen.ModTime()) && now.Size() == k.seen.Size() {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return err
	}
	sums, err := parseKeys(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", k.path, err)
	}
	k.sums, k.seen = sums, now
	return nil
}

// parseKeys returns the sums of the keys that a file holds.
func parseKeys(text string) (sums [][sha256.Size]byte, err error) {
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("larger than %d bytes", maxKeyFile)
	}
	keys := strings.Split(text, "\n")
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		var secret struct {
			Key string `json:"api_key"`
		}
		if json.Unmarshal([]byte(text), &secret) != nil { // its error may quote the key
			return nil, errors.New(`begins with { and is no JSON with an "api_key"`)
		}
		keys = []string{secret.Key}
	}
	for _, key := range keys {
		switch key = strings.TrimSpace(key); {
		case key == "":
		case len(key) > maxAccessKey:
			return nil, fmt.Errorf("has a key of more than %d bytes, which Firehose does not send", maxAccessKey)
		case len(sums) == maxKeys:
			return nil, fmt.Errorf("has more than %d keys", maxKeys)
		default:
			sums = append(sums, sha256.Sum256([]byte(key)))
		}
	}
	if len(sums) == 0 {
		return nil, errors.New("has no access key; write one a line")
	}
	return sums, nil
}
