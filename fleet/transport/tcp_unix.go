//go:build unix

package transport

import (
	"io"
	"net"
	"os"
	"syscall"
)

// tcpStream is of plain TCP: the descriptor says when there is something, and only
// then is a buffer lent.
type tcpStream struct {
	lending
	raw syscall.RawConn
	try func(fd uintptr) bool // tryRead
}

func newTCPStream(c *net.TCPConn, buffers *Buffers) (Stream, bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, false
	}
	s := &tcpStream{lending: lending{buffers: buffers}, raw: raw}
	s.try = s.tryRead
	return s, true
}

// Read implements Stream.
func (s *tcpStream) Read() ([]byte, error) {
	if err := s.raw.Read(s.try); err != nil {
		return nil, err
	}
	r := s.lent
	if r.n == 0 {
		err := r.err
		if err == nil {
			err = io.EOF
		}
		s.Release()
		return nil, err
	}
	s.note(r.n, len(r.b))
	return r.b[:r.n], nil
}

// writing is a Write, which needs no memory of its stream while none is under way.
type writing struct {
	unsent []byte
	full   bool // the connection did not take all of it at once
	err    error
	try    func(fd uintptr) bool // tryWrite
}

// Write implements Stream.
func (s *tcpStream) Write(b []byte) (int, error) {
	w, ok := s.buffers.writes.Get().(*writing)
	if !ok {
		w = new(writing)
		w.try = w.tryWrite
	}
	w.unsent = b
	err := s.raw.Write(w.try)
	if err == nil {
		err = w.err
	}
	n := len(b) - len(w.unsent)
	s.waited = w.full
	w.unsent, w.full, w.err = nil, false, nil
	s.buffers.writes.Put(w)
	return n, err
}

// Waited implements Waiter.
func (s *tcpStream) Waited() bool { return s.waited }

// tryRead reads from a descriptor that does not block. It is false when there is
// nothing to read yet, and has let go of its buffer then.
func (s *tcpStream) tryRead(fd uintptr) bool {
	b := s.lend()
	for {
		n, err := readNow(fd, b)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			s.Release()
			return false
		case err != nil:
			s.lent.err = os.NewSyscallError("read", err)
		default:
			s.lent.n = n
		}
		return true
	}
}

// tryWrite writes to a descriptor that does not block. It is false when there is
// no room for what is left.
func (w *writing) tryWrite(fd uintptr) bool {
	for len(w.unsent) > 0 {
		n, err := writeNow(fd, w.unsent)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			w.full = true
			return false
		case err != nil:
			w.err = os.NewSyscallError("write", err)
			return true
		default:
			w.unsent = w.unsent[n:]
		}
	}
	return true
}
