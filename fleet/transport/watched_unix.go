//go:build unix

package transport

import (
	"net"
	"sync/atomic"
	"syscall"
)

// watched is the TCP connection beneath TLS or a WebSocket, which knows whether what
// these write had to wait until the other side took more. How long their Write takes
// does not tell: a busy machine makes it long, too.
type watched struct {
	*net.TCPConn
	raw    syscall.RawConn
	waited atomic.Bool // since it was last set to false
}

// watch returns the connection watched, where that can be.
func watch(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	return &watched{TCPConn: tcp, raw: raw}
}

// NetConn returns the TCP connection itself.
func (w *watched) NetConn() net.Conn { return w.TCPConn }

// Write implements net.Conn.
func (w *watched) Write(b []byte) (int, error) {
	var to writing
	to.unsent = b
	err := w.raw.Write(to.tryWrite)
	if to.full {
		w.waited.Store(true)
	}
	if err == nil {
		err = to.err
	}
	return len(b) - len(to.unsent), err
}

// watchedStream is of TLS or of a WebSocket above a connection that is watched.
type watchedStream struct {
	ownStream
	beneath *watched
}

// Write implements Stream.
func (s *watchedStream) Write(b []byte) (int, error) {
	s.beneath.waited.Store(false)
	return s.Conn.Write(b)
}

// Waited implements Waiter.
func (s *watchedStream) Waited() bool { return s.beneath.waited.Load() }

// newWatchedStream returns the stream of a connection that has a watched one beneath it.
// What is above that says so with NetConn.
func newWatchedStream(c net.Conn, buffers *Buffers) (Stream, bool) {
	switch c := c.(type) {
	case *watched:
		return &watchedStream{ownStream{lending: lending{buffers: buffers}, Conn: c}, c}, true
	case interface{ NetConn() net.Conn }:
		if w, ok := c.NetConn().(*watched); ok {
			return &watchedStream{ownStream{lending: lending{buffers: buffers}, Conn: c.(net.Conn)}, w}, true
		}
	}
	return nil, false
}
