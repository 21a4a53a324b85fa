//go:build !linux

package transport

import "syscall"

// bindWithoutPort is of Linux only.
func bindWithoutPort(string, string, syscall.RawConn) error { return nil }
