package faults

import (
	"net"

	"golang.org/x/sys/unix"
)

// Unplug has the kernel drop everything that arrives for a TCP connection before
// TCP sees it, so that not even an ACK goes back: to the peer, and to us, the
// cable is out. It needs no privileges (a socket filter that takes nothing) and
// works through wrappers such as TLS. It reports false where it can't be done.
//
// What this process sends still leaves: who wants to be unplugged must not
// write, and a Close sends its FIN or, after SetLinger(0), its RST.
func Unplug(c net.Conn) bool {
	filter := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}} // K is 0: no byte
	return onSocket(c, func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	})
}

// Replug undoes Unplug: what was sent meanwhile arrives when TCP sends it again,
// which it does the more seldom the longer it has tried. It reports false where
// nothing was unplugged.
func Replug(c net.Conn) bool {
	return onSocket(c, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
	})
}

// onSocket reports whether do succeeded on the TCP socket beneath c.
func onSocket(c net.Conn, do func(fd int) error) bool {
	tcp, ok := bottom(c).(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	done := false
	err = raw.Control(func(fd uintptr) { done = do(int(fd)) == nil })
	return err == nil && done
}
