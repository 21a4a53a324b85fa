package fleet

import (
	"io"
	"net"
	"sync"
	"syscall"

	"homefleet/fleet/memconn"
)

// readSize is enough for the packets of a home; longer ones are put together by
// the Framer. In memory a whole fleet may be lent buffers at the same moment.
const readSize = 2048

// readBuffers are lent to readers for as long as it takes to handle what came.
type readBuffers struct{ pool sync.Pool }

func newReadBuffers() *readBuffers {
	return &readBuffers{sync.Pool{New: func() any { return new([readSize]byte) }}}
}

// reader reads from a connection. On plain TCP and in memory it holds no buffer
// while it waits: only when there is something is one taken from the pool. Other
// connections are read into a small buffer of its own.
type reader struct {
	conn    net.Conn
	raw     syscall.RawConn // nil unless plain TCP
	memory  *memconn.Conn   // nil unless in memory
	lend    func() []byte   // for it
	try     func(fd uintptr) bool
	tryOut  func(fd uintptr) bool
	unsent  []byte // of what is being written
	buffers *readBuffers
	lent    *[readSize]byte
	own     *[ownSize]byte
	n       int
	err     error
}

// lendBuffer takes a buffer from the pool.
func (r *reader) lendBuffer() []byte {
	r.lent = r.buffers.pool.Get().(*[readSize]byte)
	return r.lent[:]
}

// ownSize suits one command or acknowledgement and keeps a device on TLS
// small.
const ownSize = 512

func newReader(conn net.Conn, buffers *readBuffers) *reader {
	r := &reader{conn: conn, buffers: buffers}
	if tcp, ok := conn.(*net.TCPConn); ok && canTryRead {
		if raw, err := tcp.SyscallConn(); err == nil {
			r.raw = raw
			r.try, r.tryOut = r.tryRead, r.tryWrite
			return r
		}
	}
	if m, ok := conn.(*memconn.Conn); ok {
		r.memory, r.lend = m, r.lendBuffer
		return r
	}
	r.own = new([ownSize]byte)
	return r
}

// read waits for bytes, or for the read deadline. What it returns is valid until
// release.
func (r *reader) read() ([]byte, error) {
	if r.memory != nil {
		return r.memory.ReadLent(r.lend)
	}
	if r.raw == nil {
		n, err := r.conn.Read(r.own[:])
		return r.own[:n], err
	}
	if err := r.raw.Read(r.try); err != nil {
		return nil, err
	}
	switch {
	case r.err != nil:
		return nil, r.err
	case r.n == 0:
		return nil, io.EOF
	}
	return r.lent[:r.n], nil
}

// write writes all of b, or until the write deadline. It returns how much of b was
// written, which is less only with an error.
func (r *reader) write(b []byte) (int, error) {
	if r.raw == nil {
		return r.conn.Write(b)
	}
	r.unsent, r.err = b, nil
	err := r.raw.Write(r.tryOut)
	n := len(b) - len(r.unsent)
	r.unsent = nil
	if err != nil {
		return n, err
	}
	return n, r.err
}

// release gives the buffer back.
func (r *reader) release() {
	if r.lent != nil {
		r.buffers.pool.Put(r.lent)
		r.lent = nil
	}
}
