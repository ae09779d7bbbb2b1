package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Problem is a failure told in a sentence that names the remedy.
type Problem struct {
	// Text is the sentence.
	Text string
	// Err is what the system said.
	Err error
}

func (p *Problem) Error() string { return p.Text }

// Unwrap returns what the system said.
func (p *Problem) Unwrap() error { return p.Err }

// DamageError is a generation that cannot be used.
type DamageError struct {
	// Path is the file.
	Path string
	// Reason is what is wrong with it; fs.ErrNotExist when it is missing.
	Reason error
}

func (e *DamageError) Error() string {
	if errors.Is(e.Reason, fs.ErrNotExist) {
		return e.Path + " is missing"
	}
	return fmt.Sprintf("%s is damaged: %v", e.Path, e.Reason)
}

// Unwrap returns the reason.
func (e *DamageError) Unwrap() error { return e.Reason }

func isDamage(err error) bool {
	var damage *DamageError
	return errors.As(err, &damage)
}

// VersionError is a state that a newer program wrote.
type VersionError struct {
	// Path is the file.
	Path string
	// Found is its version, Known the highest that this program reads.
	Found, Known int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has version %d, and this program knows versions up to %d. Run the newer program,"+
		" or move state and state.1 away to start from zero", e.Path, e.Found, e.Known)
}

// trouble says what could not be done with path, why, and what helps.
func trouble(do, path string, err error) error {
	return &Problem{fmt.Sprintf("cannot %s %s: %v. %s", do, path, err, remedy(err)), err}
}

// inUse says that another process has the state.
func inUse(dir string, err error) error {
	return &Problem{fmt.Sprintf("the state in %s is %v: stop that process, or set --state.path to another directory", dir, ErrLocked), err}
}

func remedy(err error) string {
	is := func(no syscall.Errno) bool { return errors.Is(err, no) }
	switch {
	case is(syscall.ENOSPC), is(syscall.EDQUOT):
		return "Free space there; what was saved last is kept, and saving goes on by itself"
	case is(syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("Make it writable for user %d, who runs this process, or set --state.path to another directory", os.Geteuid())
	case is(syscall.EIO):
		return "The disk fails: see the log of the kernel, and move the state to another disk"
	}
	return "Set --state.path to a directory on a local disk that can be written"
}
