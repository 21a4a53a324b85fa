//go:build !linux

package fleet

import "syscall"

// bindWithoutPort is of Linux only.
func bindWithoutPort(string, string, syscall.RawConn) error { return nil }
