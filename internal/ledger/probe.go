package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Probe says in a sentence what OpenFile and Load would find in dir, or the error
// that they, or a Save, would end with. It leaves dir as it is; while it looks, a
// process that opens the state may find it in use.
func Probe(dir string) (string, error) {
	above, missing := dir, false
	for _, err := os.Stat(above); errors.Is(err, fs.ErrNotExist) && filepath.Dir(above) != above; _, err = os.Stat(above) {
		above, missing = filepath.Dir(above), true
	}
	if err := writable(above); err != nil {
		return "", trouble("write the state in", dir, err)
	}
	if missing {
		return fmt.Sprintf("%s is not there yet and will be made", dir), nil
	}
	if err := unlocked(filepath.Join(dir, "lock")); errors.Is(err, ErrLocked) {
		return "", inUse(dir, err)
	} else if err != nil {
		return "", trouble("lock the state in", dir, err)
	}
	f, err := newFile(osDisk{}, dir)
	if err != nil {
		return "", err
	}
	snapshot, origin, err := f.choose()
	switch {
	case err != nil:
		return "", err
	case origin == Fresh:
		return fmt.Sprintf("%s is writable and holds no state yet", dir), nil
	case origin == Previous:
		return fmt.Sprintf("%s is writable; its newest state is damaged, reading will go on from generation %d", dir, snapshot.Generation), nil
	}
	return fmt.Sprintf("%s is writable and holds generation %d", dir, snapshot.Generation), nil
}

// writable makes a file durable and takes it away again.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	var named *fs.PathError
	if errors.As(err, &named) {
		return named.Err // the name says nothing to anybody
	}
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString("probe")
	return errors.Join(err, f.Sync(), f.Close())
}

// unlocked locks a file that is there, for an instant.
func unlocked(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f, err := lock(path)
	if err != nil {
		return err
	}
	return unlock(f)
}
