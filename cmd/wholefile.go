package cmd

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// wholeFile is a file that is written as a whole or not at all: a reader never
// finds half of it. What is there and is no regular file, such as a pipe or
// /dev/null, is written to as it stands; it would be lost if a file took its
// place.
type wholeFile struct {
	name, path string // as it was named, and where it is
	secret     bool   // nobody else may read it
}

// wholeFile finds the file of a name. Where the name is a symbolic link, what it
// leads to is written, there already or not, and the link stays.
func (a *app) wholeFile(name string) wholeFile {
	path := a.path(name)
	const mostLinks = 40 // as the kernel has it
	for range mostLinks {
		to, err := os.Readlink(path)
		if err != nil {
			break // no link
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	return wholeFile{name: name, path: path}
}

// special reports whether there is something that is no regular file.
func (w wholeFile) special() (bool, error) {
	info, err := os.Stat(w.path)
	switch {
	case err != nil:
		return false, nil // it is to be made
	case info.IsDir():
		return false, errors.New(w.name + " is a directory; want a file")
	}
	return !info.Mode().IsRegular(), nil
}

// check reports whether it can be written.
func (w wholeFile) check() error {
	special, err := w.special()
	if err != nil || special {
		return err
	}
	// What is there must be ours to write, although another file takes its place.
	if old, err := os.OpenFile(w.path, os.O_WRONLY, 0); err == nil {
		_ = old.Close()
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	tmp, err := w.temporary()
	if err != nil {
		return err
	}
	_ = tmp.Close()
	return os.Remove(tmp.Name())
}

// temporary makes the file that is to take the place of another, with the
// permissions of that one or, if there is none, those that the umask leaves.
func (w wholeFile) temporary() (*os.File, error) {
	mode, old := os.FileMode(0o666), false
	if info, err := os.Stat(w.path); err == nil {
		mode, old = info.Mode().Perm(), true
	}
	if w.secret {
		mode = 0o600
	}
	name := filepath.Join(filepath.Dir(w.path), "."+filepath.Base(w.path)+"-"+randomHex(8))
	tmp, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err == nil && old {
		if err = tmp.Chmod(mode); err != nil {
			_ = tmp.Close()
			_ = os.Remove(name)
		}
	}
	return tmp, err
}

// remove removes an old one, so that a new one is news.
func (w wholeFile) remove() error {
	special, err := w.special()
	if err != nil || special {
		return err
	}
	if err := os.Remove(w.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// put writes it.
func (w wholeFile) put(write func(io.Writer) error) error {
	special, err := w.special()
	if err != nil {
		return err
	}
	if special {
		f, err := os.OpenFile(w.path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	tmp, err := w.temporary()
	if err != nil {
		return err
	}
	err = write(tmp)
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), w.path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}
