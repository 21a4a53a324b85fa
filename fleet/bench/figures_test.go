//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// figures are what a process has used up to a moment, and what it holds then.
type figures struct {
	At         int64   `json:"at"`     // ns since 1970
	User       float64 `json:"user"`   // CPU, us
	System     float64 `json:"system"` // CPU, us
	Mallocs    uint64  `json:"mallocs"`
	Allocated  uint64  `json:"allocated"`   // bytes, in all
	Heap       uint64  `json:"heap"`        // bytes, live and not yet collected
	HeapInuse  uint64  `json:"heap_in_use"` // bytes in spans that are in use
	Stacks     uint64  `json:"stacks"`      // bytes of goroutine stacks
	Idle       uint64  `json:"idle"`        // bytes of heap that are free and not given back to the system
	Own        uint64  `json:"own"`         // bytes of the runtime's own
	Goroutines int     `json:"goroutines"`
	RSS        uint64  `json:"rss"`    // bytes
	Peak       uint64  `json:"peak"`   // the highest RSS, bytes
	Reads      uint64  `json:"reads"`  // system calls
	Writes     uint64  `json:"writes"` // system calls
	Collected  uint32  `json:"collected"`

	// What only the role knows, such as commands answered.
	Counts map[string]int64 `json:"counts,omitempty"`
}

// take reads the figures of this process.
func take() (figures, error) {
	var f figures
	f.At = time.Now().UnixNano()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return f, os.NewSyscallError("getrusage", err)
	}
	f.User = float64(usage.Utime.Nano()) / 1e3
	f.System = float64(usage.Stime.Nano()) / 1e3
	status, err := colonFile("/proc/self/status")
	if err != nil {
		return f, err
	}
	f.RSS, f.Peak = status["VmRSS"]<<10, status["VmHWM"]<<10
	// syscr and syscw count read, readv, pread and their like, whether or not
	// there was anything: sockets too, though not recv and send, which Go's
	// net.Conn does not use.
	io, err := colonFile("/proc/self/io")
	if err != nil {
		return f, err
	}
	f.Reads, f.Writes = io["syscr"], io["syscw"]
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.Mallocs, f.Allocated, f.Heap, f.HeapInuse, f.Stacks = m.Mallocs, m.TotalAlloc, m.HeapAlloc, m.HeapInuse, m.StackInuse
	f.Collected = m.NumGC
	f.Idle = m.HeapIdle - m.HeapReleased
	f.Own = m.MSpanInuse + m.MCacheInuse + m.BuckHashSys + m.GCSys + m.OtherSys
	f.Goroutines = runtime.NumGoroutine()
	return f, nil
}

// colonFile reads the numbers of a file of lines such as "VmRSS:  123 kB".
func colonFile(name string) (map[string]uint64, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	out := make(map[string]uint64)
	for line := range bytes.Lines(b) {
		key, rest, ok := strings.Cut(string(line), ":")
		fields := strings.Fields(rest)
		if !ok || len(fields) == 0 {
			continue
		}
		if n, err := strconv.ParseUint(fields[0], 10, 64); err == nil {
			out[key] = n
		}
	}
	return out, nil
}

// cpu is user and system time together, in us.
func (f *figures) cpu() float64 { return f.User + f.System }

// tune sets the collector as the program does on its command line before anybody
// connects, in every role, so that no contender has an advantage from it. As
// there, GOGC and GOMEMLIMIT of the environment rule.
func tune() error {
	if !tuned() {
		return nil
	}
	memory, err := colonFile("/proc/meminfo")
	if err != nil {
		return err
	}
	if memory["MemTotal"] == 0 {
		return fmt.Errorf("/proc/meminfo does not say how much memory there is")
	}
	debug.SetGCPercent(100)
	debug.SetMemoryLimit(int64(memory["MemTotal"]) << 10 / 4 * 3)
	return nil
}

func tuned() bool { return os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" }

// steady sets it as the program does when all are connected, which gives back
// what a large fleet no longer needs.
func steady() {
	if tuned() {
		debug.SetGCPercent(400)
	}
	debug.FreeOSMemory()
}
