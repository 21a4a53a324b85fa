package cmd

import (
	"os"
	"path/filepath"
)

// fileUse is a file that a command reads or writes.
type fileUse struct {
	what string // the flag, or what the file is
	name string // as it was given; "": none
}

// spare refuses to write one file for two, or over one that is read: a scenario
// would be lost to a slip of the hand. It comes before anything is written.
func (a *app) spare(writes, reads []fileUse) error {
	for i, w := range writes {
		for _, r := range reads {
			if a.sameFile(w.name, r.name) {
				return misused("", "%s is %s, which is %s; want another file", w.what, w.name, r.what)
			}
		}
		for _, other := range writes[:i] {
			if a.sameFile(w.name, other.name) {
				return misused("", "%s and %s are both %s; want a file for each", other.what, w.what, w.name)
			}
		}
	}
	return nil
}

// sameFile reports whether two names are of one file, which need not be there
// yet. What is no regular file, such as /dev/null, is never lost.
func (a *app) sameFile(one, other string) bool {
	if one == "" || other == "" {
		return false
	}
	first, second := a.wholeFile(one), a.wholeFile(other)
	info, err := os.Stat(first.path)
	info2, err2 := os.Stat(second.path)
	if err == nil && err2 == nil {
		return info.Mode().IsRegular() && os.SameFile(info, info2)
	}
	return filepath.Clean(first.path) == filepath.Clean(second.path)
}
