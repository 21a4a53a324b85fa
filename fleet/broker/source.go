package broker

import (
	"io"
	"net"
	"sync"
	"syscall"

	"homefleet/fleet/memconn"
)

// source reads from a connection. While it waits it holds no buffer, if the
// transport lets it know when there is something to read.
type source interface {
	// read waits for bytes, or for the end. What it returns is valid until
	// release. To wait it needs little stack.
	read() ([]byte, error)
	// release gives the buffer back; it may be called when there is none.
	release()
}

// readBuffer is what a source lends to its connection.
type readBuffer struct {
	b   []byte
	n   int // how much of it was read
	err error
}

// Most packets of a device fit into a small buffer. A connection whose last read
// filled its buffer gets a large one for the next.
const (
	smallRead = 1 << 10
	largeRead = 16 << 10
)

// readBuffers are the buffers of a broker that nobody uses at the moment.
type readBuffers struct{ small, large sync.Pool }

func (p *readBuffers) init() {
	p.small.New = func() any { return &readBuffer{b: make([]byte, smallRead)} }
	p.large.New = func() any { return &readBuffer{b: make([]byte, largeRead)} }
}

// lending is what the sources have in common.
type lending struct {
	buffers *readBuffers
	lent    *readBuffer
	full    bool // the last buffer was filled
}

func (l *lending) lend() []byte {
	pool := &l.buffers.small
	if l.full {
		pool = &l.buffers.large
	}
	l.lent = pool.Get().(*readBuffer)
	return l.lent.b
}

func (l *lending) release() {
	r := l.lent
	if r == nil {
		return
	}
	l.lent = nil
	r.n, r.err = 0, nil
	if len(r.b) == smallRead {
		l.buffers.small.Put(r)
	} else {
		l.buffers.large.Put(r)
	}
}

func newSource(nc net.Conn, buffers *readBuffers) source {
	switch nc := nc.(type) {
	case *memconn.Conn:
		m := &memSource{lending: lending{buffers: buffers}, conn: nc}
		m.lender = m.lend
		return m
	case *net.TCPConn:
		if raw, err := nc.SyscallConn(); err == nil && canTryRead {
			r := &rawSource{lending: lending{buffers: buffers}, raw: raw}
			r.try = r.tryRead
			return r
		}
	}
	return &ownSource{lending: lending{buffers: buffers}, conn: nc}
}

// rawSource reads from plain TCP: the descriptor says when there is something,
// and only then is a buffer lent.
type rawSource struct {
	lending
	raw syscall.RawConn
	try func(fd uintptr) bool
}

func (s *rawSource) read() ([]byte, error) {
	if err := s.raw.Read(s.try); err != nil {
		return nil, err
	}
	switch r := s.lent; {
	case r.err != nil:
		return nil, r.err
	case r.n == 0:
		return nil, io.EOF
	default:
		s.full = r.n == len(r.b)
		return r.b[:r.n], nil
	}
}

// memSource reads from a connection in memory, which asks for a buffer when the
// client writes.
type memSource struct {
	lending
	conn   *memconn.Conn
	lender func() []byte // lend
}

func (s *memSource) read() ([]byte, error) {
	b, err := s.conn.ReadLent(s.lender)
	s.full = err == nil && len(b) == len(s.lent.b)
	return b, err
}

// ownSource reads from TLS and WebSocket connections, which wait for bytes with
// the buffer in hand: a small one of its own, unless more is coming.
type ownSource struct {
	lending
	conn net.Conn
	own  [ownRead]byte
}

const ownRead = 256

func (s *ownSource) read() ([]byte, error) {
	b := s.own[:]
	if s.full {
		b = s.lend()
	}
	n, err := s.conn.Read(b)
	s.full = n == len(b)
	return b[:n], err
}
