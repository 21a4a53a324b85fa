//go:build !unix

package transport

import "net"

// newTCPStream is of systems whose descriptors can be read and written without
// blocking.
// watch watches nothing here, and newWatchedStream finds none.
func watch(c net.Conn) net.Conn { return c }

func newWatchedStream(net.Conn, *Buffers) (Stream, bool) { return nil, false }

func newTCPStream(*net.TCPConn, *Buffers) (Stream, bool) { return nil, false }
