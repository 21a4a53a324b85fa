package memconn

import "net"

// Addr is the address of an end of a connection: there is one for the first end of every
// pair, and one for the second.
type Addr string

const (
	first  Addr = "pipe:1"
	second Addr = "pipe"
)

// Network returns "mem".
func (Addr) Network() string { return "mem" }

func (a Addr) String() string { return string(a) }

// LocalAddr returns the [Addr] of this end.
func (c *Conn) LocalAddr() net.Addr {
	if c == &c.pair.ends[0] {
		return first
	}
	return second
}

// RemoteAddr returns the [Addr] of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.peer.LocalAddr() }

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
