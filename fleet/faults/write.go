package faults

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// Write writes all of b, or has it taken to be written later. It waits while as
// much is held as may be. After an error, n says how many bytes were taken; they
// are not lost.
func (c *Conn) Write(b []byte) (int, error) {
	if !c.pass() {
		return c.writeOn(b)
	}
	n, err := c.conn.Write(b)
	if c.gate.Add(-1) < 0 || err != nil {
		err = c.wrote(err)
	}
	return n, err
}

// pass counts a Write that goes straight through, if it may. A shut gate is not
// touched, since run takes what is on it for Writes that are under way.
func (c *Conn) pass() bool {
	for n := c.gate.Load(); n >= 0; n = c.gate.Load() {
		if c.gate.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

// wrote ends a Write that went straight through while faults came, or failed.
func (c *Conn) wrote(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run()
	switch {
	case err == nil:
		return nil
	case c.closed:
		return c.opError("write", net.ErrClosed)
	}
	return err
}

// writeOn is Write through the lane.
func (c *Conn) writeOn(b []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.writing {
		if err := c.writeError(); err != nil {
			return 0, err
		}
		c.wait(&c.writeTimer, c.writeDeadline, &c.writers)
	}
	c.writing = true
	c.shut() // it may have been opened meanwhile
	defer func() {
		c.writing = false
		c.run()
		if c.writers > 0 {
			c.cond.Broadcast()
		}
	}()
	for {
		if err := c.writeError(); err != nil {
			return n, err
		}
		if k := min(len(b)-n, c.up.room()); k > 0 {
			c.makeUp(&c.up, b[n:n+k], time.Now())
			n += k
			c.run()
		}
		if n == len(b) {
			return n, nil
		}
		c.wait(&c.writeTimer, c.writeDeadline, &c.writers)
	}
}

// writeError returns why a Write cannot go on.
func (c *Conn) writeError() error {
	switch {
	case c.closed:
		return c.opError("write", net.ErrClosed)
	case expired(c.writeDeadline):
		return c.opError("write", os.ErrDeadlineExceeded)
	case c.halfway:
		return c.opError("write", os.NewSyscallError("write", syscall.EPIPE))
	case c.up.err != nil:
		c.failed = nil // said once
		return c.up.err
	}
	return nil
}

// run has what goes upstream by now written, sets the alarm for what goes later,
// and opens the gate once there is nothing left to do.
func (c *Conn) run() {
	// Writes that went through before the gate was shut come first; the last of
	// them calls run.
	if c.pumping || c.gate.Load() != shut || c.closed {
		return
	}
	now := time.Now()
	c.up.advance(now)
	switch {
	case c.up.ready():
		c.pumping = true
		go c.pump()
	case c.up.plain() && !c.writing && !c.halfway:
		_ = c.conn.SetWriteDeadline(c.writeDeadline) // one that fails has its Writes fail
		c.gate.Add(-shut)
	default:
		if at := c.up.next(); at.IsZero() {
			stop(c.pumpAt)
		} else if c.pumpAt == nil {
			c.pumpAt = time.AfterFunc(at.Sub(now), c.alarm)
		} else {
			c.pumpAt.Reset(at.Sub(now))
		}
	}
}

func (c *Conn) alarm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.overslept(&c.up, time.Now())
	c.run()
}

// pump writes on all that is out.
func (c *Conn) pump() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.conn.SetWriteDeadline(time.Time{}) // the owner's is for the owner's calls
	for c.up.advance(time.Now()); c.up.ready(); c.up.advance(time.Now()) {
		b, end := c.up.take(limit)
		c.mu.Unlock()
		var err error
		if end {
			err = c.closeWrite()
		} else {
			_, err = c.conn.Write(b)
		}
		c.mu.Lock()
		if err != nil {
			c.broke(err)
			break
		}
		if c.writers > 0 {
			c.cond.Broadcast()
		}
	}
	c.pumping = false
	if !c.closed {
		_ = c.conn.SetWriteDeadline(c.writeDeadline)
	}
	c.run()
	c.cond.Broadcast() // for Close, too
}

// broke notes that a delayed write has failed: the next Write or Read says so.
func (c *Conn) broke(err error) {
	c.up.clear()
	c.up.err = err
	if c.closed {
		return // that is why
	}
	c.failed = err
	c.open.Store(false)
	c.aim()
}

// CloseWrite ends what is written once all that is held has gone. It is an error
// if the wrapped connection cannot do that.
func (c *Conn) CloseWrite() error {
	if _, ok := c.conn.(interface{ CloseWrite() error }); !ok {
		return c.opError("close", errors.ErrUnsupported)
	}
	c.mu.Lock()
	switch {
	case c.closed:
		c.mu.Unlock()
		return c.opError("close", net.ErrClosed)
	case c.up.err != nil:
		c.mu.Unlock()
		return c.up.err
	case c.gate.Load() >= 0:
		c.mu.Unlock()
		return c.closeWrite()
	}
	defer c.mu.Unlock()
	if !c.halfway {
		c.halfway = true
		c.up.finish(nil, time.Now())
		c.run()
	}
	return nil
}

func (c *Conn) closeWrite() error {
	return c.conn.(interface{ CloseWrite() error }).CloseWrite()
}
