package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Origin says what Load found.
type Origin uint8

// The origins.
const (
	// Fresh is a directory without any state.
	Fresh Origin = iota
	// Newest is what the last Save wrote.
	Newest
	// Previous is the generation before it. More may have been public when it
	// was replaced, so totals must not go on from it.
	Previous
)

// String returns the word for the log.
func (o Origin) String() string { return [...]string{"fresh", "newest", "previous"}[o] }

// Load returns the newest generation that is whole, with no generation at all
// an empty snapshot. What it returns survives a power loss. Errors name the
// remedy: of a *VersionError, of a directory where no generation is whole, and
// of a machine that cannot read. After an error Save refuses to write.
func (f *File) Load() (*Snapshot, Origin, error) {
	f.loaded, f.whole, f.damage = false, false, nil
	s, origin, err := f.choose()
	if err != nil {
		return nil, Fresh, err
	}
	_ = f.remove(asideName) // left over by a crash; Save tells when it cannot be removed
	if err := f.disk.SyncDir(f.dir); err != nil {
		return nil, Fresh, trouble("make durable the state in", f.dir, err)
	}
	f.loaded, f.whole = true, origin == Newest
	return s, origin, nil
}

// Damage says what is wrong with the newest generation; it is nil unless Load
// returned the previous one.
func (f *File) Damage() error { return f.damage }

// choose reads the newest generation, and the previous one only when the newest
// is missing or damaged.
func (f *File) choose() (*Snapshot, Origin, error) {
	s, newest := f.read(newestName)
	if newest == nil {
		return s, Newest, nil
	}
	if !isDamage(newest) {
		return nil, Fresh, newest
	}
	s, previous := f.read(previousName)
	switch {
	case previous == nil:
		f.damage = newest
		return s, Previous, nil
	case !isDamage(previous):
		return nil, Fresh, previous
	case errors.Is(newest, fs.ErrNotExist) && errors.Is(previous, fs.ErrNotExist):
		return &Snapshot{}, Fresh, nil
	}
	return nil, Fresh, &Problem{fmt.Sprintf("no state can be read: %v; %v. To start from zero, move both files away", newest, previous),
		errors.Join(newest, previous)}
}

// read reads a generation and makes sure that it stays. The error is a
// *DamageError, also of a file that is missing, a *VersionError, or a *Problem
// of the machine.
func (f *File) read(name string) (*Snapshot, error) {
	path := f.path(name)
	data, err := f.readDurable(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &DamageError{path, fs.ErrNotExist}
	} else if err != nil {
		return nil, trouble("read", path, err)
	}
	s, err := f.codec.decode(data)
	var version *VersionError
	if errors.As(err, &version) {
		version.Path = path
		return nil, version
	} else if err != nil {
		return nil, &DamageError{path, err}
	}
	return s, nil
}

// readDurable reads a file that may have been put there by hand. A file that is
// too large is cut off, and the decoder refuses it.
func (f *File) readDurable(path string) ([]byte, error) {
	r, err := f.disk.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, int64(f.codec.limit+f.codec.limit/100+headerSize+1024)))
	if err != nil {
		return nil, err
	}
	return data, r.Sync()
}
