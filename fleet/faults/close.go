package faults

import (
	"errors"
	"net"
	"time"
)

// Close ends the connection. What is held upstream is lost. Calls that wait
// return, and so does Close, whatever a call to the wrapped connection is waiting
// for. A second Close is an error, as on a socket.
func (c *Conn) Close() error { return c.close(c.conn.Close) }

// Reset closes with a reset (RST) as fleet/memconn's does, over TCP too. What is
// on its way in either direction is lost.
func (c *Conn) Reset() error { return c.close(func() error { return reset(c.conn) }) }

// close closes the wrapped connection in one of the two ways.
func (c *Conn) close(wrapped func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	c.closed = true
	c.open.Store(false)
	c.shut()
	c.down.clear()
	c.aim() // for a Read that waits
	c.cond.Broadcast()
	c.up.clear()
	c.names = nil
	stop(c.pumpAt)
	c.mu.Unlock()
	err := wrapped()
	c.mu.Lock()
	for c.pumping {
		c.cond.Wait()
	}
	return err
}

// reset closes the connection beneath all wrappers with a reset, without a word of
// TLS, which could wait for a full socket.
func reset(c net.Conn) error {
	b := bottom(c)
	var err error
	switch r := b.(type) {
	case interface{ Reset() error }: // fleet/memconn
		err = r.Reset()
	case interface{ SetLinger(int) error }: // *net.TCPConn
		err = errors.Join(r.SetLinger(0), b.Close())
	default:
		err = errors.Join(errors.ErrUnsupported, b.Close())
	}
	if b != c {
		_ = c.Close() // it says that the socket is closed
	}
	return err
}

// bottom returns the connection beneath all wrappers, TLS among them.
func bottom(c net.Conn) net.Conn {
	for {
		w, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = w.NetConn()
	}
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
