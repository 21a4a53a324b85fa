//go:build linux

package attack

import "syscall"

// The state of a connection in struct tcp_info, its first byte: of those that the
// other side has closed or reset, everything but ESTABLISHED.
const established = 1

func closed(fd int) bool {
	state, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_INFO)
	return err != nil || byte(state) != established
}
