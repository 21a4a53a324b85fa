//go:build unix

package broker

import (
	"os"
	"syscall"
)

// canTryRead says that tryRead works on this system.
const canTryRead = true

// tryRead reads from a descriptor that does not block. It is false when there is
// nothing to read yet, and has let go of its buffer then.
func (s *rawSource) tryRead(fd uintptr) bool {
	b := s.lend()
	for {
		n, err := syscall.Read(int(fd), b)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			s.release()
			return false
		case err != nil:
			s.lent.err = os.NewSyscallError("read", err)
		default:
			s.lent.n = n
		}
		return true
	}
}
