package machine

import (
	"os"
	"testing"
)

// TestMachineOf checks what is read of a machine.
func TestMachineOf(t *testing.T) {
	files := map[string]string{
		"/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
		"/proc/meminfo":                          "MemTotal:       16000 kB\nMemAvailable:   8000 kB\n",
		"/sys/fs/cgroup/memory.max":              "max\n",
	}
	read := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}
	m := machineOf(read)
	if m.EphemeralPorts != 28232 || m.AvailableMemory != 8000<<10 {
		t.Errorf("machineOf() = %d ports, %d bytes; want 28232, %d", m.EphemeralPorts, m.AvailableMemory, 8000<<10)
	}
	files["/sys/fs/cgroup/memory.max"] = "4096000\n"
	if m := machineOf(read); m.AvailableMemory != 4096000 {
		t.Errorf("in a control group: %d bytes; want 4096000", m.AvailableMemory)
	}
	clear(files)
	if m := machineOf(read); m.EphemeralPorts != 0 || m.AvailableMemory != 0 {
		t.Errorf("of an unknown machine: %+v; want nothing known", m)
	}
}

func TestKnownMemory(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing known", nil, 0},
		{"machine", map[string]string{"/proc/meminfo": "MemTotal:        8388608 kB\nMemFree: 1 kB\n"}, 8 * gib},
		{"no limit", map[string]string{"/proc/meminfo": "MemTotal: 8388608 kB\n", "/sys/fs/cgroup/memory.max": "max\n"}, 8 * gib},
		{"limit", map[string]string{"/proc/meminfo": "MemTotal: 8388608 kB\n", "/sys/fs/cgroup/memory.max": "1073741824\n"}, gib},
		{"garbage", map[string]string{"/proc/meminfo": "MemTotal: lots\n"}, 0},
	} {
		read := func(name string) ([]byte, error) {
			if text, ok := c.files[name]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		}
		if got := knownMemory(read, "MemTotal:"); got != c.want {
			t.Errorf("%s: knownMemory = %d; want %d", c.name, got, c.want)
		}
	}
}
