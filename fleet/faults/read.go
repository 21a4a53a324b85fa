package faults

import (
	"net"
	"os"
	"time"
)

// grace is how long a Read still waits for bytes after a delayed write has
// failed: a peer that closed may have said why.
const grace = 20 * time.Millisecond

// Read reads what is to be seen by now, at most len(b) bytes, and waits while
// nothing is. As with sockets, a deadline that has passed fails a Read even if
// bytes are there.
func (c *Conn) Read(b []byte) (int, error) {
	if !c.open.Load() {
		return c.readOn(b, 0, nil)
	}
	n, err := c.conn.Read(b)
	// A fault may have come meanwhile, or may have ended the wrapped Read.
	if !c.open.Load() || err != nil && timedOut(err) {
		return c.readOn(b, n, err)
	}
	return n, err
}

// readOn is Read through the lane, after the wrapped Read returned n and err.
func (c *Conn) readOn(b []byte, n int, err error) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived(b[:n], err)
	for last := false; ; {
		switch {
		case c.closed:
			return 0, c.opError("read", net.ErrClosed)
		case expired(c.readDeadline):
			if !timedOut(err) {
				err = c.opError("read", os.ErrDeadlineExceeded)
			}
			return 0, err
		case len(b) == 0:
			return 0, nil
		}
		c.down.advance(time.Now())
		switch {
		case c.down.ready():
			if c.down.out[0].end { // stays, for the next Read
				return 0, c.down.err
			}
			chunk, _ := c.down.take(len(b))
			copy(b, chunk)
			c.rest()
			return len(chunk), nil
		case last && c.failed != nil:
			err := c.failed
			c.failed = nil
			c.rest()
			return 0, err
		}
		if c.reading || c.down.room() == 0 || c.down.err != nil {
			c.wait(&c.readTimer, sooner(c.readDeadline, c.down.next()), &c.readers)
			continue
		}
		c.reading = true
		c.aim()
		room := min(len(b), c.down.room())
		c.mu.Unlock()
		n, err = c.conn.Read(b[:room])
		c.mu.Lock()
		c.reading = false
		last = err != nil
		if last && timedOut(err) {
			c.overslept(&c.down, time.Now())
		}
		c.arrived(b[:n], err)
		if c.readers > 0 {
			c.cond.Broadcast()
		}
	}
}

// arrived takes in what the wrapped Read has returned.
func (c *Conn) arrived(b []byte, err error) {
	if c.closed || c.down.err != nil {
		return
	}
	now := time.Now()
	if len(b) > 0 {
		c.open.Store(false) // what is held goes first
		c.makeUp(&c.down, b, now)
	}
	if err != nil && !timedOut(err) {
		c.open.Store(false)
		c.down.finish(err, now)
	}
}
