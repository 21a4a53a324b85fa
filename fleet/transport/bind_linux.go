package transport

import "syscall"

// ipBindAddressNoPort is IP_BIND_ADDRESS_NO_PORT of Linux, which package
// syscall does not name.
const ipBindAddressNoPort = 24

// bindWithoutPort has the kernel choose the port when it connects rather than
// when it binds: only then may two connections to different brokers share one.
func bindWithoutPort(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		// A kernel that does not know it is no worse off than before.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
	})
}
