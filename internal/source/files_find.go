package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// expand returns the files that paths, folders and globs mean.
func expand(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		found, err := matches(p)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			if info, err := os.Stat(name); err != nil || !info.IsDir() {
				files = append(files, name) // what can't be opened is told when it is
				continue
			}
			below, err := walk(name)
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		}
	}
	return files, nil
}

// matches returns the files and folders that a path or glob means.
func matches(p string) ([]string, error) {
	if p == "-" {
		return []string{p}, nil
	}
	if _, err := os.Stat(p); err == nil { // a name may hold glob characters
		return []string{p}, nil
	}
	found, err := filepath.Glob(p)
	if err != nil {
		return nil, fmt.Errorf("%q is no glob: %w", p, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no file matches %q", p)
	}
	return found, nil
}

// walk returns the regular files below a folder, sorted. Hidden files and folders
// are left out, as editors and tools that copy leave them. A link to a file is
// followed, one to a folder is not: it may lead around in a circle.
func walk(folder string) (files []string, err error) {
	err = filepath.WalkDir(folder+string(filepath.Separator), func(name string, d fs.DirEntry, err error) error {
		switch hidden := strings.HasPrefix(d.Name(), "."); {
		case err != nil:
			return err
		case d.IsDir() && hidden && filepath.Clean(name) != filepath.Clean(folder):
			return filepath.SkipDir
		case d.IsDir() || hidden:
			return nil
		}
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			files = append(files, filepath.Clean(name))
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no file is in the folder %s", folder)
	}
	return files, err
}

const (
	// maxFailures is how many files or objects that could not be read are named.
	maxFailures = 100
)

// failures are what could not be read, by name as far as there are few. Safe for
// concurrent use.
type failures struct {
	mu     sync.Mutex
	first  []error
	others int
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
	case len(f.first) < maxFailures:
		f.first = append(f.first, err)
	default:
		f.others++
	}
}

// err returns all failures as one, nil without any.
func (f *failures) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.first
	if f.others > 0 {
		all = append(all, fmt.Errorf("and %d more could not be read", f.others))
	}
	return errors.Join(all...)
}
