//go:build !linux

package faults

import "net"

// Unplug has the kernel drop everything that arrives for a TCP connection. It is
// of Linux only, and reports false here.
func Unplug(net.Conn) bool { return false }

// Replug undoes Unplug. It reports false where nothing was unplugged.
func Replug(net.Conn) bool { return false }
