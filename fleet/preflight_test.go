package fleet

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"homefleet/fleet/client"
	"homefleet/fleet/load"
)

func TestPreflight(t *testing.T) {
	tests := []struct {
		name    string
		devices int
		m       Machine
		want    string // part of the only wall; "" is none
		fatal   bool
	}{
		{"fits", 1000, Machine{FileDescriptors: 20000, EphemeralPorts: 28232, AvailableMemory: 8 << 30}, "", false},
		{"nothing known", 100_000, Machine{}, "", false},
		{"files", 20_000, Machine{FileDescriptors: 20000}, "20000 connections need about 20064 file descriptors, and this process may open 20000", true},
		{"files, nearly", 18_500, Machine{FileDescriptors: 20000}, "18564 of the 20000 file descriptors", false},
		{"files do not matter in memory", 100_000, Machine{FileDescriptors: 20000, InMemory: true}, "", false},
		{"ports", 30_000, Machine{EphemeralPorts: 28232}, "there are 28232", true},
		{"ports, nearly", 28_000, Machine{EphemeralPorts: 28232}, "nearly all of the 28232 ports", false},
		{"ports of two addresses", 30_000, Machine{EphemeralPorts: 28232, SourceAddresses: 2}, "", false},
		{"memory", 100_000, Machine{AvailableMemory: 500 << 20}, "need about 976 MiB of memory, and 500 MiB are free", true},
		{"memory, nearly", 100_000, Machine{AvailableMemory: 1 << 30}, "976 of the 1024 MiB", false},
		{"memory for TLS", 100_000, Machine{AvailableMemory: 4 << 30, Secure: true}, "need about 4687 MiB", true},
	}
	for _, tt := range tests {
		walls := Preflight(scenarioOf(t, fmt.Sprintf("[[device]]\nkind = \"light\"\ncount = %d\n", tt.devices)), tt.m)
		switch {
		case tt.want == "" && len(walls) > 0:
			t.Errorf("%s: %+v; want nothing", tt.name, walls)
		case tt.want != "" && (len(walls) != 1 || walls[0].Fatal != tt.fatal || !strings.Contains(walls[0].What, tt.want) || walls[0].Hint == ""):
			t.Errorf("%s: %+v; want one wall (fatal %t) with %q and a hint", tt.name, walls, tt.fatal, tt.want)
		}
	}
}

// A device whose network goes without a word leaves its connection behind open,
// and makes another: each of them needs a file descriptor.
func TestPreflightCountsHalfOpen(t *testing.T) {
	const when = "at = \"10s\"\nfor = \"10s\"\n"
	for _, tt := range []struct {
		incidents string
		want      int // file descriptors
	}{
		{"", 165},
		{"[[incident]]\nkind = \"offline\"\n" + when, 165},
		{"[[incident]]\nkind = \"offline\"\nway = \"unplugged\"\n" + when, 265},
		{"[[incident]]\nkind = \"power-cut\"\n" + when, 265},
		{"[[incident]]\nkind = \"power-cut\"\nway = \"reset\"\n" + when, 165},
		{"[[incident]]\nkind = \"power-cut\"\nrename = true\nevery = \"15s\"\ntimes = 2\n" + when, 365},
		{"[[incident]]\nkind = \"id-fight\"\n" + when, 265},
		{"[[incident]]\nkind = \"router-reboot\"\n" + when, 265},
		{"[[incident]]\nkind = \"wifi-loss\"\ntarget = { id = \"lamp-1*\" }\n" + when, 177},
		{"[[incident]]\nkind = \"slow-link\"\nlatency = \"1s\"\n" + when, 165},
	} {
		sc := scenarioOf(t, "[phases]\nmeasure = \"1m\"\n[audit]\n[[device]]\nkind = \"light\"\ncount = 100\nid = \"lamp-{n}\"\n"+tt.incidents)
		if walls := Preflight(sc, Machine{FileDescriptors: tt.want - 1}); len(walls) != 1 || !walls[0].Fatal {
			t.Errorf("%q: %+v with %d file descriptors; want one wall in the way", tt.incidents, walls, tt.want-1)
		}
		if walls := Preflight(sc, Machine{FileDescriptors: tt.want}); len(walls) != 1 || walls[0].Fatal {
			t.Errorf("%q: %+v with %d file descriptors; want one wall that is near", tt.incidents, walls, tt.want)
		}
	}
}

// The same scenario and seed give the same plan, whatever GOMAXPROCS is, and
// another seed gives another.
func TestPlanIsAFunctionOfTheSeed(t *testing.T) {
	plan := func(seed int) string {
		sc := scenarioOf(t, fmt.Sprintf(`
seed = %d
[phases]
warm_up = "1s"
measure = "10s"
[[device]]
kind = "light"
count = 50
[[controller]]
name = "steady"
count = 3
rate = "100/s"
attribute = "power"
payloads = ["ON", "OFF"]
[[controller]]
name = "random"
count = 4
arrival = "poisson"
rate = "50/s"
attribute = "power"
`, seed))
		b, err := json.Marshal(load.PlanOf(sc))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	one := plan(7)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if got := plan(7); got != one {
		t.Errorf("two plans of one seed differ:\n%s\n%s", one, got)
	}
	if plan(8) == one {
		t.Error("two seeds give one plan")
	}
	var p load.Plan
	if err := json.Unmarshal([]byte(one), &p); err != nil {
		t.Fatal(err)
	}
	if p.Groups[0].Requests != 1100 {
		t.Errorf("%d requests at 100/s in 11 s; want 1100", p.Groups[0].Requests)
	}
	if n := p.Groups[1].Requests; n < 450 || n > 650 {
		t.Errorf("%d requests at a mean of 50/s in 11 s; want about 550", n)
	}
}

// Who runs into a wall is told which one it is, and what to do.
func TestWallsNamed(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", errno)}
	}
	tests := []struct {
		name string
		err  client.DeviceError
		want string // in the text
	}{
		{"file descriptors", client.DeviceError{Doing: "connecting to", Err: dial(syscall.EMFILE)}, "ulimit -n"},
		{"ports", client.DeviceError{Doing: "connecting to", Err: dial(syscall.EADDRNOTAVAIL)}, "--source-addr"},
		{"the broker's sessions", client.DeviceError{Doing: "connecting to", Err: &client.RefusedError{Code: 0x97}}, "limit of connections or sessions"},
		{"the broker's rate", client.DeviceError{Doing: "connecting to", Err: &client.RefusedError{Code: 0x9F}}, "`rate` in [connect]"},
		{"the broker's connections", client.DeviceError{Doing: client.WaitingForConnack, Err: io.EOF}, "max_connections"},
		{"none", client.DeviceError{Doing: "connecting to", Err: dial(syscall.ECONNREFUSED)}, "connection refused"},
		{"a DISCONNECT is no wall of a CONNECT", client.DeviceError{Err: &client.RefusedError{Code: 0x97, Packet: "DISCONNECT"}}, "quota exceeded (0x97)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.err.Device, tt.err.Broker = "lamp", "mqtt://broker"
			if got := tt.err.Error(); !strings.Contains(got, tt.want) {
				t.Errorf("Error() = %q; want %q in it", got, tt.want)
			}
		})
	}
	closed := client.DeviceError{Device: "lamp", Broker: "mqtt://broker", Err: io.EOF}
	if got := closed.Error(); strings.Contains(got, ";") {
		t.Errorf("Error() = %q of a connection that was up; want no wall named", got)
	}
}
