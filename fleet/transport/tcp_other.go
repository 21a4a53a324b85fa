//go:build !unix

package transport

import "net"

// newTCPStream is of systems whose descriptors can be read and written without
// blocking.
func newTCPStream(*net.TCPConn, *Buffers) (Stream, bool) { return nil, false }
