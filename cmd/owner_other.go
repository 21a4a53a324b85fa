//go:build !unix

package cmd

import (
	"io/fs"
	"os"
)

// ours is for systems where a directory of the user's own is nobody else's.
func ours(fs.FileInfo) bool { return true }

// alive reports whether there is a process with a number.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = p.Release() // the handle
	return true
}
