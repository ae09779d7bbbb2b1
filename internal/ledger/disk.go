package ledger

import (
	"io"
	"os"
)

// disk is what the state file needs of a file system. Names are paths.
type disk interface {
	// Mkdir makes a directory for this user alone.
	Mkdir(name string) error
	// Create makes a file that is not there yet, for this user alone.
	Create(name string) (file, error)
	// Open opens a file for reading.
	Open(name string) (file, error)
	// Rename puts a file in the place of another, at once.
	Rename(from, to string) error
	// Link gives a file a second name, which must be free.
	Link(from, to string) error
	Remove(name string) error
	// SyncDir makes durable which names a directory has.
	SyncDir(name string) error
}

// file is an open file of a disk.
type file interface {
	io.ReadWriteCloser
	// Sync makes the content durable, not the name. When it has failed, no
	// later Sync of the same file means anything: the kernel may have
	// forgotten what it could not write.
	// https://wiki.postgresql.org/wiki/Fsync_Errors
	Sync() error
}

// osDisk is the file system of the machine.
type osDisk struct{}

func (osDisk) Mkdir(name string) error      { return os.Mkdir(name, 0o700) }
func (osDisk) Rename(from, to string) error { return os.Rename(from, to) }
func (osDisk) Link(from, to string) error   { return os.Link(from, to) }
func (osDisk) Remove(name string) error     { return os.Remove(name) }

func (osDisk) Create(name string) (file, error) {
	return opened(os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600))
}

func (osDisk) Open(name string) (file, error) { return opened(os.Open(name)) }

func (osDisk) SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// opened keeps a nil *os.File from becoming a file that is not nil.
func opened(f *os.File, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}
