// Package preflight says which limits a scenario runs into: those of this machine,
// before anything connects, and those that a broker declares as it is connected to. It
// measures nothing itself.
package preflight

import (
	"fmt"

	"homefleet/fleet/incident"
	"homefleet/fleet/machine"
	"homefleet/scenarios"
)

// Wall is a limit of this machine that a plan comes near to or runs into.
type Wall struct {
	Fatal bool   // the plan cannot work; otherwise it may
	What  string // a sentence: which limit, what is there, what is wanted
	Hint  string // what to do about it
}

// What a session costs at most, in bytes, measured with a Will, telemetry and
// one subscription, rounded up: see fleet/bench/README.md for the plain ones.
const (
	costPlain     = 10 << 10
	costTLS       = 48 << 10
	costWebSocket = 40 << 10
	costInMemory  = 12 << 10 // with what the embedded broker has of it: neither has a socket
	spareFiles    = 64       // logs, the report, listeners, epoll, who looks at what is retained
)

// Machine says which walls of a machine are near. Nothing is found for a plan that
// fits.
func Machine(sc *scenarios.Scenario, m machine.Facts) []Wall {
	sessions := sc.Count()
	if sc.Audit.On {
		sessions++
	}
	for _, c := range sc.Controllers {
		sessions += c.Count
	}
	for _, w := range sc.Watchers {
		sessions += w.Count
	}
	sessions += incident.MostDuplicates(sc)
	var walls []Wall
	add := func(fatal bool, hint, what string, args ...any) {
		walls = append(walls, Wall{fatal, fmt.Sprintf(what, args...), hint})
	}
	if !m.InMemory {
		files := sessions + incident.MostHalfOpen(sc) + spareFiles
		switch {
		case m.FileDescriptors == 0:
		case files > m.FileDescriptors:
			add(true, fmt.Sprintf("`ulimit -n %d` raises the limit where it is allowed; several processes have one each", files),
				"%d connections need about %d file descriptors, and this process may open %d", sessions, files, m.FileDescriptors)
		case files > m.FileDescriptors*9/10:
			add(false, "`ulimit -n` shows and raises it",
				"%d connections need about %d of the %d file descriptors this process may open", sessions, files, m.FileDescriptors)
		}
		ports := m.EphemeralPorts * max(m.SourceAddresses, 1)
		switch {
		case ports == 0:
		case sessions > ports:
			add(true, "--source-addr 127.0.0.2,127.0.0.3 gives connections to a broker on this machine further addresses to come from; elsewhere, name those of this machine",
				"%d connections to one port of the broker need as many ports here, and there are %d", sessions, ports)
		case sessions > ports*9/10:
			add(false, "--source-addr names further addresses to come from",
				"%d connections to one port of the broker need nearly all of the %d ports here", sessions, ports)
		}
	}
	if m.AvailableMemory > 0 {
		each := int64(costPlain)
		switch {
		case m.InMemory:
			each = costInMemory
		case m.Secure:
			each = costTLS
		case m.WebSocket:
			each = costWebSocket
		}
		need := each * int64(sessions)
		switch {
		case need > m.AvailableMemory:
			add(true, "fewer devices, or several machines", "%d sessions need about %d MiB of memory, and %d MiB are free", sessions, need>>20, m.AvailableMemory>>20)
		case need > m.AvailableMemory*8/10:
			add(false, "fewer devices, or several machines", "%d sessions need about %d of the %d MiB of memory that are free", sessions, need>>20, m.AvailableMemory>>20)
		}
	}
	return walls
}
