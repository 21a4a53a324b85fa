//go:build linux || darwin || freebsd

package cmd

import (
	"context"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// openKeyboard has a terminal hand over keys as they are pressed, without showing them; the
// signals of Ctrl-C and Ctrl-Z stay what they are. It is nil for what is no terminal, and
// where another job has it: to read then would stop the process. The terminal is put back
// as soon as ctx is done, since a second Ctrl-C leaves at once.
func openKeyboard(ctx context.Context, f *os.File) *Keyboard {
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil || !inForeground(fd) {
		return nil
	}
	single := *before
	single.Lflag &^= unix.ICANON | unix.ECHO
	single.Cc[unix.VMIN], single.Cc[unix.VTIME] = 1, 0
	if unix.IoctlSetTermios(fd, setTermios, &single) != nil {
		return nil
	}
	ctx, end := context.WithCancel(ctx)
	keys := make(chan string)
	var reading sync.WaitGroup
	restore := sync.OnceFunc(func() { _ = unix.IoctlSetTermios(fd, setTermios, before) }) // a terminal that is gone needs none
	restored := context.AfterFunc(ctx, restore)
	reading.Go(func() { readKeys(ctx, fd, &single, keys) })
	return &Keyboard{Keys: keys, Close: func() {
		end()
		reading.Wait()
		restored()
		restore()
	}}
}

// inForeground reports whether the process may read from its terminal.
func inForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// pollFor is how long a look for a key lasts at most, in milliseconds.
const pollFor = 100

// readKeys reads keys until ctx is done. While another job has the terminal nothing is
// read, and when it is ours again, the shell has set it as it likes.
func readKeys(ctx context.Context, fd int, single *unix.Termios, keys chan<- string) {
	defer close(keys)
	ours := true
	for ctx.Err() == nil {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, pollFor)
		switch {
		case err != nil && err != unix.EINTR:
			return
		case !inForeground(fd):
			ours = false
			continue
		case !ours:
			ours = true
			_ = unix.IoctlSetTermios(fd, setTermios, single)
		}
		if ready <= 0 {
			continue
		}
		var typed [64]byte
		n, err := unix.Read(fd, typed[:])
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if err != nil || n == 0 {
			return // it is gone
		}
		for _, key := range splitKeys(string(typed[:n])) {
			select {
			case keys <- key:
			case <-ctx.Done():
				return
			}
		}
	}
}
