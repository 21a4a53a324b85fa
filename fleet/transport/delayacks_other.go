//go:build !linux

package transport

import "net"

// DelayAcks can do nothing here: see its namesake for Linux.
func DelayAcks(net.Conn) bool { return false }
