package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// The files of a state directory, beside the lock.
const (
	newestName   = "state"
	previousName = "state.1"
	asideName    = "state.tmp" // being written; never read
)

// File is a store in a directory: DIR/state is the newest generation,
// DIR/state.1 the one before. It belongs to one goroutine.
type File struct {
	disk  disk
	dir   string
	codec *codec
	lock  *os.File

	loaded bool  // Load has said what is there
	whole  bool  // DIR/state is whole and durable, so worth keeping
	damage error // why Load went back to DIR/state.1
}

// OpenFile opens the state in dir, which it makes, for this user alone, when it
// is missing. One process at a time has it: for the others the error is
// ErrLocked. All errors name the remedy.
func OpenFile(dir string) (*File, error) {
	f, err := newFile(osDisk{}, dir)
	if err != nil {
		return nil, err
	}
	if err := f.makeDir(dir); err != nil {
		return nil, trouble("make the state directory", dir, err)
	}
	if f.lock, err = lock(filepath.Join(dir, "lock")); errors.Is(err, ErrLocked) {
		return nil, inUse(dir, err)
	} else if err != nil {
		return nil, trouble("lock the state in", dir, err)
	}
	return f, nil
}

func newFile(d disk, dir string) (*File, error) {
	c, err := newCodec(MaxState)
	return &File{disk: d, dir: dir, codec: c}, err
}

// makeDir makes dir and what is missing above it, durably.
func (f *File) makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	err := f.disk.Mkdir(dir)
	above := filepath.Dir(dir)
	if errors.Is(err, fs.ErrNotExist) && above != dir {
		if err := f.makeDir(above); err != nil {
			return err
		}
		err = f.disk.Mkdir(dir)
	}
	if err != nil {
		return err
	}
	return f.disk.SyncDir(above)
}

// Close gives the state to the next process. The File cannot be used after it.
func (f *File) Close() error {
	f.loaded = false
	if f.lock == nil {
		return nil
	}
	return unlock(f.lock)
}

// Save makes s the newest generation and what was the newest the previous one.
// A power loss at any instant leaves one that Load accepts, and never one older
// than that of the last Save that returned nil. Errors name the remedy; Save
// then may be called again, and writes a new file. Load must have succeeded
// before.
func (f *File) Save(s *Snapshot) error {
	if !f.loaded {
		return errors.New("the state must be loaded before it can be saved")
	}
	data, err := f.codec.encode(s)
	if err != nil {
		return err
	}
	if err := f.commit(data); err != nil {
		return trouble("write the state in", f.dir, err)
	}
	return nil
}

// commit writes aside, keeps the present state and puts the new one in its
// place. The file is durable before it gets its name.
func (f *File) commit(data []byte) error {
	err := f.writeAside(data)
	if err == nil {
		err = f.keep()
	}
	if err == nil {
		err = f.disk.Rename(f.path(asideName), f.path(newestName))
	}
	if err != nil {
		_ = f.disk.Remove(f.path(asideName)) // else the next Save does
		return err
	}
	err = f.disk.SyncDir(f.dir)
	f.whole = err == nil
	return err
}

// writeAside writes a new durable file, which nobody reads yet.
func (f *File) writeAside(data []byte) error {
	if err := f.remove(asideName); err != nil {
		return err
	}
	w, err := f.disk.Create(f.path(asideName))
	if err != nil {
		return err
	}
	if _, err = w.Write(data); err == nil {
		err = w.Sync()
	}
	if closing := w.Close(); err == nil {
		err = closing
	}
	return err
}

// keep makes the present state the previous one too. A state that is damaged, or
// whose name may not be durable, is not kept: it would take the place of the
// last good one. File systems without hard links get a rename: for an instant
// then there is only the previous one.
func (f *File) keep() error {
	if !f.whole {
		return nil
	}
	if err := f.remove(previousName); err != nil {
		return err
	}
	err := f.disk.Link(f.path(newestName), f.path(previousName))
	if withoutLinks(err) {
		f.whole = false // whatever comes of it, DIR/state.1 may be the only one
		err = f.disk.Rename(f.path(newestName), f.path(previousName))
	}
	if errors.Is(err, fs.ErrNotExist) { // somebody has taken it away
		return nil
	}
	return err
}

// withoutLinks reports whether err says that files can have one name only.
// https://man7.org/linux/man-pages/man2/link.2.html
func withoutLinks(err error) bool {
	for _, refusal := range []error{syscall.EPERM, syscall.EMLINK, syscall.ENOSYS, errors.ErrUnsupported} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// remove makes a name free.
func (f *File) remove(name string) error {
	if err := f.disk.Remove(f.path(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *File) path(name string) string { return filepath.Join(f.dir, name) }
