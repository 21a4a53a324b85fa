package client

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelTimer is a timerfd(2): it has neither the slack nor the milliseconds of
// epoll_wait(2), and the runtime's poller wakes for it as for a socket, so that no
// thread is bound to it.
type kernelTimer struct {
	file *os.File
	raw  syscall.RawConn
	base time.Time     // and what the kernel's clock said
	at   time.Duration // then
}

// newKernelTimer returns nil where there is none to be had.
func newKernelTimer() *kernelTimer {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil
	}
	k := &kernelTimer{file: os.NewFile(uintptr(fd), "timerfd")}
	var now unix.Timespec
	k.raw, err = k.file.SyscallConn()
	if err == nil {
		k.base, err = time.Now(), unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	}
	if err != nil {
		_ = k.file.Close() // there is nothing in it to be lost
		return nil
	}
	k.at = time.Duration(now.Nano())
	return k
}

// set has wait return at a time, or at once if that is over. It may be called while
// wait waits, from any goroutine, not at the same time as others of its kind.
func (k *kernelTimer) set(t time.Time) {
	at := max(k.at+t.Sub(k.base), 1) // 0 would disarm it
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(at))}
	_ = k.raw.Control(func(fd uintptr) { // on a closed one nobody waits any more
		// It never blocks, so that the scheduler need not hear of it.
		_, _, _ = syscall.RawSyscall6(unix.SYS_TIMERFD_SETTIME, fd, unix.TFD_TIMER_ABSTIME, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	})
}

// wait waits for the time that was set. It is false when the timer is closed.
func (k *kernelTimer) wait() bool {
	var b [8]byte
	return k.raw.Read(func(fd uintptr) bool {
		_, _, e := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		return e != syscall.EAGAIN
	}) == nil
}

// close ends wait.
func (k *kernelTimer) close() { _ = k.file.Close() }
