package fleet

import (
	"io"
	"net"
	"sync"
	"syscall"
)

// readSize is enough for the packets of a home; longer ones are put together by
// the Framer.
const readSize = 4096

// readBuffers are lent to readers for as long as it takes to handle what came.
type readBuffers struct{ pool sync.Pool }

func newReadBuffers() *readBuffers {
	return &readBuffers{sync.Pool{New: func() any { return new([readSize]byte) }}}
}

// reader reads from a connection. On plain TCP it holds no buffer while it
// waits: the raw descriptor says when there is something, and only then is a
// buffer taken from the pool. Other connections are read into a small buffer of
// its own.
type reader struct {
	conn    net.Conn
	raw     syscall.RawConn // nil unless plain TCP
	try     func(fd uintptr) bool
	buffers *readBuffers
	lent    *[readSize]byte
	own     []byte
	n       int
	err     error
}

// ownSize suits one command or acknowledgement and keeps a TLS or in-memory
// device small.
const ownSize = 512

func newReader(conn net.Conn, buffers *readBuffers) *reader {
	r := &reader{conn: conn, buffers: buffers}
	if tcp, ok := conn.(*net.TCPConn); ok && canTryRead {
		if raw, err := tcp.SyscallConn(); err == nil {
			r.raw = raw
			r.try = r.tryRead
			return r
		}
	}
	r.own = make([]byte, ownSize)
	return r
}

// read waits for bytes, or for the read deadline. What it returns is valid until
// release.
func (r *reader) read() ([]byte, error) {
	if r.raw == nil {
		n, err := r.conn.Read(r.own)
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

// release gives the buffer back.
func (r *reader) release() {
	if r.lent != nil {
		r.buffers.pool.Put(r.lent)
		r.lent = nil
	}
}
