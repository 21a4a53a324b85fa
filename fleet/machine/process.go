package machine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Usage is what a process has used so far.
type Usage struct {
	CPU time.Duration // user and system, since it began
	RSS int64         // bytes that are resident now
}

// errNoProc is that nothing tells.
var errNoProc = errors.New("what a process uses is told on Linux alone, by /proc")

// Process returns what a process of this machine has used, by /proc.
func Process(pid int) (Usage, error) { return processOf(pid, os.ReadFile) }

// tick is the unit of CPU times in /proc, on all architectures that Go knows.
const tick = 10 * time.Millisecond

// processOf is Process by the files of a system.
func processOf(pid int, read func(string) ([]byte, error)) (Usage, error) {
	stat, err := read(fmt.Sprintf("/proc/%d/stat", pid))
	if _, here := read("/proc/self/stat"); err != nil && here == nil {
		return Usage{}, fmt.Errorf("there is no process %d", pid)
	}
	if err != nil {
		return Usage{}, fmt.Errorf("process %d: %w", pid, errNoProc)
	}
	// The name is in brackets and may have anything in it.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 22 {
		return Usage{}, fmt.Errorf("process %d: %w", pid, errNoProc)
	}
	user, userErr := strconv.ParseInt(string(fields[11]), 10, 64)
	system, systemErr := strconv.ParseInt(string(fields[12]), 10, 64)
	pages, pagesErr := strconv.ParseInt(string(fields[21]), 10, 64)
	if err := errors.Join(userErr, systemErr, pagesErr); err != nil {
		return Usage{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return Usage{CPU: time.Duration(user+system) * tick, RSS: pages * int64(os.Getpagesize())}, nil
}
