package transport

import (
	"crypto/tls"
	"errors"
	"net"

	"homefleet/fleet/faults"
)

// Reset has a connection end with an RST, as those of a process that is killed or
// of a router that has forgotten them do, where its transport knows of such: the
// Close that follows sends it. In memory it ends at once. Other connections are left
// as they are.
func Reset(c net.Conn) {
	switch c := c.(type) {
	case *faults.Conn:
		_ = c.Reset()
	case interface{ SetLinger(int) error }: // *net.TCPConn
		_ = c.SetLinger(0)
	case interface{ NetConn() net.Conn }: // TLS, WebSocket
		Reset(c.NetConn())
	case interface{ Reset() error }: // *memconn.Conn
		_ = c.Reset()
	}
}

// CloseNow closes a connection without a word of TLS or WebSocket: these would say
// goodbye first, and wait for a full socket to take that.
func CloseNow(c net.Conn) {
	if within, ok := c.(interface{ NetConn() net.Conn }); ok {
		CloseNow(within.NetConn())
	}
	_ = c.Close() // it ends either way
}

// CloseWrite ends what is sent (FIN), and leaves the other half open. TLS says a
// close_notify before that, and a WebSocket of a broker its closing frame, unless the end is to be abrupt: then the socket beneath
// TLS or a WebSocket ends, as when a process is killed. It returns false where a
// connection has no halves or is closed already; it is to be closed as a whole then.
func CloseWrite(c net.Conn, abrupt bool) bool {
	for abrupt && !bare(c) {
		within, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = within.NetConn()
	}
	half, ok := c.(interface{ CloseWrite() error })
	return ok && half.CloseWrite() == nil
}

// errNoHalves is of a connection that can only be closed as a whole.
var errNoHalves = errors.New("the connection has no halves")

// bare reports whether there is nothing but faults above a connection that knows
// of FIN.
func bare(c net.Conn) bool {
	if f, ok := c.(*faults.Conn); ok {
		return bare(f.NetConn())
	}
	switch c.(type) {
	case *tls.Conn, *webSocket, *upgraded:
		return false
	}
	return true
}
