package preflight

import (
	"fmt"
	"strings"
	"testing"

	"homefleet/fleet/machine"
	"homefleet/scenarios"
)

func scenarioOf(t *testing.T, toml string) *scenarios.Scenario {
	t.Helper()
	sc, faults := scenarios.Load("test.toml", []byte(toml))
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	return sc
}

func TestMachine(t *testing.T) {
	tests := []struct {
		name    string
		devices int
		m       machine.Facts
		want    string // part of the only wall; "" is none
		fatal   bool
	}{
		{"fits", 1000, machine.Facts{FileDescriptors: 20000, EphemeralPorts: 28232, AvailableMemory: 8 << 30}, "", false},
		{"nothing known", 100_000, machine.Facts{}, "", false},
		{"files", 20_000, machine.Facts{FileDescriptors: 20000}, "20000 connections need about 20064 file descriptors, and this process may open 20000", true},
		{"files, nearly", 18_500, machine.Facts{FileDescriptors: 20000}, "18564 of the 20000 file descriptors", false},
		{"files do not matter in memory", 100_000, machine.Facts{FileDescriptors: 20000, InMemory: true}, "", false},
		{"ports", 30_000, machine.Facts{EphemeralPorts: 28232}, "there are 28232", true},
		{"ports, nearly", 28_000, machine.Facts{EphemeralPorts: 28232}, "nearly all of the 28232 ports", false},
		{"ports of two addresses", 30_000, machine.Facts{EphemeralPorts: 28232, SourceAddresses: 2}, "", false},
		{"memory", 100_000, machine.Facts{AvailableMemory: 500 << 20}, "need about 976 MiB of memory, and 500 MiB are free", true},
		{"memory, nearly", 100_000, machine.Facts{AvailableMemory: 1 << 30}, "976 of the 1024 MiB", false},
		{"memory for TLS", 100_000, machine.Facts{AvailableMemory: 4 << 30, Secure: true}, "need about 4687 MiB", true},
		{"a million in memory", 1_000_000, machine.Facts{AvailableMemory: 16 << 30, InMemory: true}, "", false},
		{"a million in less", 1_000_000, machine.Facts{AvailableMemory: 11 << 30, InMemory: true}, "need about 11718 MiB", true},
	}
	for _, tt := range tests {
		walls := Machine(scenarioOf(t, fmt.Sprintf("[[device]]\nkind = \"light\"\ncount = %d\n", tt.devices)), tt.m)
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
func TestMachineCountsHalfOpen(t *testing.T) {
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
		if walls := Machine(sc, machine.Facts{FileDescriptors: tt.want - 1}); len(walls) != 1 || !walls[0].Fatal {
			t.Errorf("%q: %+v with %d file descriptors; want one wall in the way", tt.incidents, walls, tt.want-1)
		}
		if walls := Machine(sc, machine.Facts{FileDescriptors: tt.want}); len(walls) != 1 || walls[0].Fatal {
			t.Errorf("%q: %+v with %d file descriptors; want one wall that is near", tt.incidents, walls, tt.want)
		}
	}
}
