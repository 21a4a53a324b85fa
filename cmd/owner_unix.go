//go:build unix

package cmd

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ours reports whether a directory belongs to the user of this process, and to nobody else.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return info.Mode().Perm()&0o077 == 0 && (!ok || int(stat.Uid) == os.Getuid())
}

// alive reports whether there is a process with a number.
func alive(pid int) bool {
	if pid <= 0 {
		return false
	}
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
