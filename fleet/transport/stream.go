package transport

import (
	"net"
	"sync"

	"homefleet/fleet/memconn"
)

// Stream reads from and writes to one connection. While it waits for bytes it
// holds no buffer, where the connection tells when there are some: on plain TCP,
// in memory, and at a broker's end of a WebSocket.
//
// One goroutine reads and releases at a time, and one writes. Deadlines and the end
// are the connection's: they are set there, by whoever may call its methods.
type Stream interface {
	// Read waits for bytes, for the connection's read deadline, or for its end,
	// which is io.EOF. What it returns is valid until Release; with an error it may
	// return bytes too. To wait it needs little stack.
	Read() ([]byte, error)
	// Release gives the buffer of a Read back, before the next one. It may be
	// called when there is none.
	Release()
	// Write writes all of b, or until the connection's write deadline. It returns
	// how much of b was written, which is less only with an error.
	Write(b []byte) (int, error)
}

// Waiter is a Stream that knows whether its last Write had to wait until the other side,
// or the network, took more. Whoever writes may ask.
type Waiter interface{ Waited() bool }

// NewStream returns the stream of a connection, which is read and written by way
// of it from then on.
func NewStream(c net.Conn, buffers *Buffers) Stream {
	switch c := c.(type) {
	case *memconn.Conn:
		s := &memStream{lending: lending{buffers: buffers}, Conn: c}
		s.lender = s.lend
		return s
	case *net.TCPConn:
		if s, ok := newTCPStream(c, buffers); ok {
			return s
		}
	case *upgraded:
		return &upgradedStream{NewStream(c.Conn, buffers), c}
	}
	if s, ok := newWatchedStream(c, buffers); ok {
		return s
	}
	return &ownStream{lending: lending{buffers: buffers}, Conn: c}
}

// Buffers are what the streams of one broker or fleet share: each is lent for as
// long as it takes to handle what came, or to write. It is safe for concurrent use.
type Buffers struct{ small, large, writes sync.Pool }

// NewBuffers returns buffers for any number of streams, of two sizes in bytes: a
// stream whose last read filled its buffer gets a large one for the next.
func NewBuffers(small, large int) *Buffers {
	b := new(Buffers)
	b.small.New = func() any { return &buffer{pool: &b.small, b: make([]byte, small)} }
	b.large.New = func() any { return &buffer{pool: &b.large, b: make([]byte, large)} }
	return b
}

// buffer is lent to a stream, with what became of reading into it.
type buffer struct {
	pool *sync.Pool // that it is of
	b    []byte
	n    int // how much of it was read
	err  error
}

// lending is what the streams have in common.
type lending struct {
	buffers *Buffers
	lent    *buffer
	filled  uint8 // how many reads in a row have filled their buffer, up to mostFilled
	missed  bool  // the last Read found nothing before its deadline
	waited  bool  // the last Write had to wait, where that is known
}

const mostFilled = 2

// lend takes a buffer from the pools.
func (l *lending) lend() []byte { return l.take(l.filled > 0) }

func (l *lending) take(large bool) []byte {
	pool := &l.buffers.small
	if large {
		pool = &l.buffers.large
	}
	l.lent = pool.Get().(*buffer)
	return l.lent.b
}

// note keeps how the last read went, for the size of the next buffer: n bytes into
// so many. A deadline that passes once says nothing of what is coming.
func (l *lending) note(n, size int) {
	switch {
	case n > 0 && n == size:
		l.filled = min(l.filled+1, mostFilled)
	case n > 0 || l.missed:
		l.filled = 0
	}
	l.missed = n == 0
}

// Release implements Stream.
func (l *lending) Release() {
	r := l.lent
	if r == nil {
		return
	}
	l.lent = nil
	r.n, r.err = 0, nil
	r.pool.Put(r)
}

// memStream is of a connection in memory, which asks for a buffer when the other
// end writes.
type memStream struct {
	lending
	*memconn.Conn
	lender func() []byte // lend
}

// Read implements Stream.
func (s *memStream) Read() ([]byte, error) {
	b, err := s.ReadLent(s.lender)
	if s.lent != nil {
		s.note(len(b), len(s.lent.b))
	}
	return b, err
}

// ownStream is of a TLS connection, a client's WebSocket or a network with faults. These
// wait with the buffer in hand: a small one of their own, which most packets of a
// home fit into, unless more is coming.
type ownStream struct {
	lending
	net.Conn
	own [ownSize]byte
}

const ownSize = 256

// Read implements Stream.
func (s *ownStream) Read() ([]byte, error) {
	b := s.own[:]
	if s.filled > 0 {
		b = s.take(s.filled > 1)
	}
	n, err := s.Conn.Read(b)
	s.note(n, len(b))
	if n == 0 {
		s.Release()
	}
	return b[:n], err
}
