//go:build unix

package machine

import (
	"math"
	"syscall"
)

// fileLimit returns how many file descriptors this process may open; the runtime
// has raised that as far as it is allowed. 0 is not known.
func fileLimit() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return int(min(uint64(l.Cur), math.MaxInt32))
}
