// Package machine finds out what the machine lets this process use. It judges nothing.
package machine

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// Facts is what a pre-flight check goes by. Zero values are not known, and not
// checked.
type Facts struct {
	FileDescriptors   int   // RLIMIT_NOFILE, after raising it as far as allowed
	EphemeralPorts    int   // of each source address to one port of the broker
	Memory            int64 // bytes there are, or that this process may use if that is less
	AvailableMemory   int64 // of these, bytes that are free
	SourceAddresses   int   // that connections come from; 0 is one
	InMemory          bool  // devices reach the broker in memory, of which it takes its own
	Secure, WebSocket bool
}

// This finds out what this process may use. What is not known stays zero, and
// what is of the plan and not of the machine is the caller's to fill in.
func This() Facts { return machineOf(os.ReadFile) }

// machineOf is This by the files of a system.
func machineOf(read func(string) ([]byte, error)) Facts {
	m := Facts{FileDescriptors: fileLimit(), Memory: knownMemory(read, "MemTotal:"), AvailableMemory: knownMemory(read, "MemAvailable:")}
	if b, err := read("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if ends := bytes.Fields(b); len(ends) == 2 {
			low, lowErr := strconv.Atoi(string(ends[0]))
			high, highErr := strconv.Atoi(string(ends[1]))
			if lowErr == nil && highErr == nil && low <= high {
				m.EphemeralPorts = high - low + 1
			}
		}
	}
	return m
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
