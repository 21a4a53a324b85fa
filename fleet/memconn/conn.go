// Package memconn is a network inside the process: pairs of buffered
// connections that behave as the two ends of a TCP connection do. It is no
// fault injector: bytes arrive at once and in order.
//
// An idle pair is one small block of memory: it has no goroutine, no buffer,
// and no timer unless a call really waits for a deadline. Calls that wait do so
// on a sync.Cond, with timers from package time, so inside a bubble of
// testing/synctest they are durably blocked, provided that the pair was made in
// that bubble.
package memconn

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// DefaultSize is how many bytes a direction holds when Pipe is given a size
// below 1.
const DefaultSize = 64 << 10

// firstBuffer is how much a direction allocates when it first has to hold bytes.
const firstBuffer = 512

// Pipe returns the two ends of a new connection, each a [*Conn]. Each direction
// holds up to size bytes (DefaultSize if size is below 1); a Write waits while
// they are full.
func Pipe(size int) (a, b net.Conn) {
	if size < 1 {
		size = DefaultSize
	}
	p := &pair{size: size}
	for i := range p.ends {
		c := &p.ends[i]
		c.pair, c.peer = p, &p.ends[1-i]
		c.cond.L = &p.mu
	}
	return &p.ends[0], &p.ends[1]
}

// pair is one connection. Everything in it is guarded by mu, which is never
// held while a call waits or copies between goroutines that both run.
type pair struct {
	mu   sync.Mutex
	size int
	ends [2]Conn
}

// Conn is one end of a connection, a [net.Conn]. All methods may be called from
// any goroutine at any time. Bytes of one Write are never mixed with those of
// another.
//
// Errors other than io.EOF are *net.OpError, and wrap what a socket's errors
// wrap: net.ErrClosed after Close here, os.ErrDeadlineExceeded, syscall.EPIPE on
// writing to an end that was closed, syscall.ECONNRESET after Reset there.
type Conn struct {
	pair *pair
	peer *Conn
	cond sync.Cond // something changed for a call that waits on this end

	// What the peer wrote and nobody has read yet: a ring, nil while the
	// direction is idle.
	buf []byte
	at  int // the first byte held
	n   int // how many are held

	// A Read that waits leaves its buffer here, and a Write copies straight into
	// it. While dst has room, the ring is empty. A ReadLent leaves lend instead,
	// which the Write calls for dst.
	dst  []byte
	got  int
	lend func() []byte

	readDeadline, writeDeadline time.Time
	readTimer, writeTimer       *time.Timer
	readers, writers            int32 // calls that wait

	writing bool // a Write is under way
	closed  bool // by Close or Reset here
	reset   bool // by Reset there
}

// Read reads what is there, at most len(b) bytes, and waits while nothing is.
// It returns io.EOF when the peer has closed and all it wrote has been read. As
// with sockets, a deadline that has passed fails a Read even if bytes are there.
func (c *Conn) Read(b []byte) (int, error) {
	got, err := c.read(b, nil)
	return len(got), err
}

// ReadLent is Read for those who wait long and want to hold no memory meanwhile:
// it calls lend for a buffer once there are bytes to read, and returns what was
// filled of it, at least one byte or an error. lend is called at most once, by
// this goroutine or the writer's. It must return room for a byte at least, may not
// wait for anything, and may not use the connection.
func (c *Conn) ReadLent(lend func() []byte) ([]byte, error) { return c.read(nil, lend) }

// read reads into b or, if lend is not nil, into what that returns. A goroutine
// that waits in it should get along with the stack it was born with, of 2 KiB,
// half of which the runtime keeps for itself: so nothing is deferred, and what
// looks and takes is elsewhere.
func (c *Conn) read(b []byte, lend func() []byte) ([]byte, error) {
	c.pair.mu.Lock()
	for mine := false; ; {
		got, err := c.look(b, lend, mine)
		if got != nil || err != nil || len(b) == 0 && lend == nil {
			c.pair.mu.Unlock()
			return got, err
		}
		if mine = c.dst == nil && c.lend == nil; mine {
			c.dst, c.lend = b, lend
		}
		c.readers++ // the deadline has a timer already, see SetReadDeadline
		c.cond.Wait()
		c.readers--
	}
}

// look returns what there is to read, or why there is nothing more; neither, and the
// caller has to wait. mine says that the caller has left its buffer for a Write.
func (c *Conn) look(b []byte, lend func() []byte, mine bool) ([]byte, error) {
	if mine {
		got := c.dst[:c.got]
		c.dst, c.lend, c.got = nil, nil, 0
		if len(got) > 0 {
			return got, nil
		}
	}
	// The ring is let go only when a reader comes back and finds nothing, so
	// that a busy connection does not allocate it again and again.
	if c.n == 0 {
		c.buf = nil
	}
	if err := c.readError(); err != nil {
		return nil, err
	}
	switch {
	case len(b) == 0 && lend == nil:
		return nil, nil
	case c.n > 0:
		if lend != nil {
			b = lend()
		}
		n := c.take(b)
		if c.peer.writers > 0 {
			c.peer.cond.Broadcast()
		}
		return b[:n], nil
	case c.peer.closed:
		return nil, io.EOF
	}
	return nil, nil
}

// readError returns why a Read cannot go on.
func (c *Conn) readError() error {
	switch {
	case c.closed:
		return c.opError("read", net.ErrClosed)
	case expired(c.readDeadline):
		return c.opError("read", os.ErrDeadlineExceeded)
	case c.reset:
		return c.opError("read", os.NewSyscallError("read", syscall.ECONNRESET))
	}
	return nil
}

// Write writes all of b, and waits while the peer's buffer is full. After an
// error, n says how many bytes the peer can still read.
func (c *Conn) Write(b []byte) (n int, err error) {
	c.pair.mu.Lock()
	defer c.pair.mu.Unlock()
	for c.writing {
		if err := c.writeError(); err != nil {
			return 0, err
		}
		c.waitToWrite()
	}
	c.writing = true
	defer func() {
		c.writing = false
		if c.writers > 0 {
			c.cond.Broadcast()
		}
	}()
	for {
		if err := c.writeError(); err != nil {
			return n, err
		}
		if k := c.peer.put(b[n:]); k > 0 {
			n += k
			if c.peer.readers > 0 {
				c.peer.cond.Broadcast()
			}
		}
		if n == len(b) {
			return n, nil
		}
		c.waitToWrite()
	}
}

// writeError returns why a Write cannot go on.
func (c *Conn) writeError() error {
	switch {
	case c.closed:
		return c.opError("write", net.ErrClosed)
	case expired(c.writeDeadline):
		return c.opError("write", os.ErrDeadlineExceeded)
	case c.reset:
		return c.opError("write", os.NewSyscallError("write", syscall.ECONNRESET))
	case c.peer.closed:
		return c.opError("write", os.NewSyscallError("write", syscall.EPIPE))
	}
	return nil
}

// Close ends the connection. The peer reads what was written before and then
// io.EOF; its Writes fail at once. Calls that wait on this end return. A second
// Close is an error, as on a socket.
func (c *Conn) Close() error {
	c.pair.mu.Lock()
	defer c.pair.mu.Unlock()
	return c.close()
}

// Reset ends the connection as a TCP RST does: the peer's calls fail with
// ECONNRESET at once, and bytes it has not read yet are lost.
func (c *Conn) Reset() error {
	c.pair.mu.Lock()
	defer c.pair.mu.Unlock()
	if !c.closed && !c.peer.closed {
		c.peer.reset = true
		c.peer.buf, c.peer.n = nil, 0
	}
	return c.close()
}

func (c *Conn) close() error {
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	c.closed = true
	c.buf, c.n = nil, 0
	for _, end := range []*Conn{c, c.peer} { // of which neither has to wait any more
		if end.readTimer != nil {
			end.readTimer.Stop()
		}
	}
	c.cond.Broadcast()
	c.peer.cond.Broadcast()
	return nil
}

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error { return c.setDeadline(t, true, true) }

// SetReadDeadline sets the time after which Read fails; the zero time means
// never. It also holds for a Read that waits already: a time in the past ends it
// at once. The timer is set here, since that needs more stack than a Read may.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(t, true, false) }

// SetWriteDeadline is SetReadDeadline for Write.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, false, true) }

func (c *Conn) setDeadline(t time.Time, read, write bool) error {
	c.pair.mu.Lock()
	defer c.pair.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	if read {
		c.readDeadline = t
		c.setReadTimer(t)
	}
	if write {
		c.writeDeadline = t
	}
	if read && c.readers > 0 || write && c.writers > 0 {
		c.cond.Broadcast()
	}
	return nil
}

func (c *Conn) setReadTimer(t time.Time) {
	switch d := time.Until(t); {
	case t.IsZero() || d <= 0 || c.peer.closed:
		if c.readTimer != nil {
			c.readTimer.Stop()
		}
	case c.readTimer == nil:
		c.readTimer = time.AfterFunc(d, c.wake)
	default:
		c.readTimer.Reset(d)
	}
}

// waitToWrite waits until the end is signalled or the deadline passes; the caller looks
// again at everything, the deadline too. Several Writes may share the timer.
func (c *Conn) waitToWrite() {
	if deadline := c.writeDeadline; !deadline.IsZero() {
		d := time.Until(deadline)
		if c.writeTimer == nil {
			c.writeTimer = time.AfterFunc(d, c.wake)
		} else {
			c.writeTimer.Reset(d)
		}
	}
	c.writers++
	c.cond.Wait()
	c.writers--
	if c.writers == 0 && c.writeTimer != nil {
		c.writeTimer.Stop()
	}
}

func (c *Conn) wake() {
	c.pair.mu.Lock()
	defer c.pair.mu.Unlock()
	c.cond.Broadcast()
}

func expired(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// put gives c bytes to read, as many as there is room for.
func (c *Conn) put(b []byte) (n int) {
	if c.lend != nil && c.dst == nil && len(b) > 0 {
		c.dst = c.lend()
	}
	if c.n == 0 && c.got < len(c.dst) {
		n = copy(c.dst[c.got:], b)
		c.got += n
		b = b[n:]
	}
	more := min(len(b), c.pair.size-c.n)
	if more == 0 {
		return n
	}
	if c.n+more > len(c.buf) {
		grown := make([]byte, min(max(c.n+more, 2*len(c.buf), firstBuffer), c.pair.size))
		held := c.n
		c.take(grown[:held])
		c.buf, c.at, c.n = grown, 0, held
	}
	end := (c.at + c.n) % len(c.buf)
	k := copy(c.buf[end:], b[:more])
	copy(c.buf, b[k:more])
	c.n += more
	return n + more
}

// take moves bytes out of the ring.
func (c *Conn) take(b []byte) int {
	n := min(len(b), c.n)
	if n == 0 {
		return 0
	}
	k := copy(b[:n], c.buf[c.at:])
	copy(b[k:n], c.buf)
	c.at = (c.at + n) % len(c.buf)
	c.n -= n
	return n
}
