package cmd

import (
	"bytes"
	"cmp"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// A fleet's garbage is short-lived and its live heap small, so that at the
// default of GOGC=100 the collector takes half of the CPU of a busy fleet.
const (
	gcPercent = 400

	// memoryShare of the memory there is bounds what the larger heap may take;
	// from there on the collector works as hard as it must.
	memoryShare = 0.75

	// unknownMemory is taken where the system does not say how much there is.
	unknownMemory = 4 << 30
)

// tuneMemory sets the collector's target and a memory limit, unless the user has
// set either.
func tuneMemory(lookup func(string) (string, bool)) {
	if _, ok := lookup("GOGC"); ok {
		return
	}
	if _, ok := lookup("GOMEMLIMIT"); ok {
		return
	}
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(int64(memoryShare * float64(systemMemory(os.ReadFile))))
}

// systemMemory returns how many bytes this process may use at most.
func systemMemory(read func(string) ([]byte, error)) int64 {
	return cmp.Or(knownMemory(read, "MemTotal:"), unknownMemory)
}

// knownMemory returns a figure of the machine's memory in bytes, or the limit of
// this process's control group if that is less; 0 if neither is known.
func knownMemory(read func(string) ([]byte, error), figure string) int64 {
	least := int64(0)
	take := func(n int64) {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	if b, err := read("/proc/meminfo"); err == nil {
		for line := range bytes.Lines(b) {
			if rest, ok := strings.CutPrefix(string(line), figure); ok {
				kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
				take(kib << 10)
			}
		}
	}
	for _, name := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := read(name); err == nil {
			n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64) // "max" is none
			take(n)
		}
	}
	return least
}
