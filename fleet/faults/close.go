package faults

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Close ends the connection. What is held upstream is lost, unless a SlowClose
// gives it time. Calls that wait return, and so does Close, whatever a call
// to the wrapped connection is waiting for. A second Close is an error, as on a
// socket.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.close(c.abrupt)
}

// Reset closes with a reset (RST) as fleet/memconn's does, over TCP too. What is
// on its way in either direction is lost.
func (c *Conn) Reset() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.close(true)
}

// SetLinger passes on to the TCP connection beneath all wrappers. With 0 a Close
// is a reset, of a fleet/memconn connection as well.
func (c *Conn) SetLinger(sec int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	b := bottom(c.conn)
	_, resets := b.(interface{ Reset() error })
	if err := setLinger(b, sec); err != nil && (!resets || !errors.Is(err, errors.ErrUnsupported)) {
		return c.opError("set", err)
	}
	c.abrupt = sec == 0
	return nil
}

// close closes for the owner. mu is held, but not while something may wait.
func (c *Conn) close(reset bool) error {
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	c.closed = true
	c.open.Store(false)
	c.shut()
	slow := c.slow()
	c.down.clear()
	c.aim() // for a Read that waits
	c.cond.Broadcast()
	if slow > 0 && !reset && c.dead == nil {
		if c.gate.Load() != shut {
			_ = c.conn.SetWriteDeadline(time.Unix(1, 0)) // for a Write that waits
		}
		c.lingering = time.AfterFunc(slow, c.bury)
		c.run()
		return nil
	}
	c.drop()
	var err error
	if c.dead == nil { // or else a fault has closed it
		c.mu.Unlock()
		if reset {
			err = abandon(c.conn, true)
		} else {
			err = c.conn.Close()
		}
		c.mu.Lock()
	}
	for c.pumping {
		c.cond.Wait()
	}
	return err
}

// slow is how much later the FIN of a Close leaves.
func (c *Conn) slow() (d time.Duration) {
	for _, n := range c.names {
		if s, ok := n.fault.(SlowClose); ok {
			d += max(s.Delay, 0)
		}
	}
	return d
}

// bury closes the wrapped connection after a SlowClose.
func (c *Conn) bury() {
	c.mu.Lock()
	if c.dead != nil {
		c.mu.Unlock()
		return
	}
	c.lingering = nil
	c.drop()
	c.mu.Unlock()
	_ = c.conn.Close() // nobody is there any more to be told
}

// drop loses what is held, and all that faults had planned.
func (c *Conn) drop() {
	c.up.clear()
	c.down.clear()
	for _, n := range c.names {
		stop(n.timer)
	}
	c.names = nil
	stop(c.pumpAt)
}

// kill ends the connection for a fault. mu is held, but not while the wrapped
// connection is closed.
func (c *Conn) kill(reset bool) {
	if c.dead != nil || c.closed && c.lingering == nil {
		return
	}
	c.dead = &death{io.EOF, c.opError("write", os.NewSyscallError("write", syscall.EPIPE))}
	if reset {
		c.dead = &death{
			c.opError("read", os.NewSyscallError("read", syscall.ECONNRESET)),
			c.opError("write", os.NewSyscallError("write", syscall.ECONNRESET)),
		}
	}
	c.open.Store(false)
	c.shut()
	c.drop()
	stop(c.lingering)
	c.cond.Broadcast()
	c.mu.Unlock()
	_ = abandon(c.conn, reset) // nobody asked, so nobody can be told
	c.mu.Lock()
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
