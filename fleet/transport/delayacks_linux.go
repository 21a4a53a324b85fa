package transport

import (
	"net"
	"syscall"
)

// DelayAcks has the system acknowledge what comes next on a connection as late as it may
// (RFC 1122, 4.2.3.2), some 40 ms on Linux, where it would at once at the beginning of a
// connection. It reports whether it could. It does not last: each write, and each
// acknowledgement, may change it.
func DelayAcks(c net.Conn) bool {
	for {
		if raw, ok := c.(syscall.Conn); ok {
			return delayAcks(raw)
		}
		within, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return false
		}
		c = within.NetConn()
	}
}

func delayAcks(c syscall.Conn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 0)
	})
	return err == nil && failed == nil
}
