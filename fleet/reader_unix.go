//go:build unix

package fleet

import (
	"os"
	"syscall"
)

// canTryRead says that tryRead works on this system.
const canTryRead = true

// tryRead reads from a descriptor that does not block. It is false when there is
// nothing to read yet, and has let go of its buffer then.
func (r *reader) tryRead(fd uintptr) bool {
	buf := r.buffers.pool.Get().(*[readSize]byte)
	for {
		n, err := readNow(fd, buf[:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			r.buffers.pool.Put(buf)
			return false
		case err != nil:
			r.buffers.pool.Put(buf)
			r.n, r.err = 0, os.NewSyscallError("read", err)
		case n <= 0:
			r.buffers.pool.Put(buf)
			r.n, r.err = 0, nil
		default:
			r.lent, r.n, r.err = buf, n, nil
		}
		return true
	}
}

// tryWrite writes to a descriptor that does not block. It is false when there is
// no room for what is left.
func (r *reader) tryWrite(fd uintptr) bool {
	for len(r.unsent) > 0 {
		n, err := writeNow(fd, r.unsent)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return false
		case err != nil:
			r.err = os.NewSyscallError("write", err)
			return true
		default:
			r.unsent = r.unsent[n:]
		}
	}
	return true
}
