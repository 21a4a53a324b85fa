package transport

import (
	"syscall"
	"unsafe"
)

// readNow and writeNow are read(2) and write(2) for descriptors that do not
// block, which the scheduler need not hear of. syscall.Read and Write tell it
// each time, and that wakes its watchman (runtime.sysmon) from sleep: on a
// machine that is not busy a third of what a device costs, by measurement.
func readNow(fd uintptr, b []byte) (int, error) {
	n, _, e := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

func writeNow(fd uintptr, b []byte) (int, error) {
	n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
