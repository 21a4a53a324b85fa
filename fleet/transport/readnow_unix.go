//go:build unix && !linux

package transport

import "syscall"

// readNow and writeNow are read(2) and write(2) for descriptors that do not
// block.
func readNow(fd uintptr, b []byte) (int, error)  { return syscall.Read(int(fd), b) }
func writeNow(fd uintptr, b []byte) (int, error) { return syscall.Write(int(fd), b) }
