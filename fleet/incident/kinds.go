package incident

import "homefleet/scenarios"

// kind is what there is to know here of a kind of incident. Each has a file of its own.
type kind struct {
	name scenarios.IncidentKind
	// what says what the devices are while it lasts, for log and time line.
	what func(*scenarios.Incident) string
	// begin plans the steps of an occurrence. The scheduler's goroutine calls it at the
	// moment at which the occurrence begins.
	begin func(*occurrence)

	breaks     breaks
	staysOn    bool // the devices keep their connections, or try to: afterwards all is as before
	halfOpen   bool // whatever its way, connections may be left half open
	duplicates bool // another client runs for each device
}

// breaks is how often an incident ends the connection of each device that it strikes.
type breaks int

const (
	breaksByChance breaks = iota // as often as chance has it, or it depends on who notices first
	breaksNone                   // not at all
	breaksOnce                   // once, unless the device says that it goes
)

// kinds has a row for each kind of incident.
var kinds = []*kind{
	&offline, &powerCut, &routerReboot, &wifiLoss, &firmwareRoll, &flapping, &brokerOutage, &idFight, &slowLink,
}

// kindOf returns the row of a kind; nil if there is none, which no checked scenario has.
func kindOf(name scenarios.IncidentKind) *kind {
	for _, k := range kinds {
		if k.name == name {
			return k
		}
	}
	return nil
}

// always is the what of a kind that is always called the same.
func always(text string) func(*scenarios.Incident) string {
	return func(*scenarios.Incident) string { return text }
}

// LeavesHalfOpen reports whether devices that an incident of a checked scenario strikes
// may leave connections half open: sockets that stay while the broker knows nothing.
func LeavesHalfOpen(in *scenarios.Incident) bool {
	k := kindOf(in.Kind)
	return in.Way == scenarios.Unplugged || k != nil && k.halfOpen
}

// Breaks reports whether an incident of a checked scenario ends the connection of each
// device that it strikes, once, in a way that has the broker publish its Will; known is
// false where that is left to chance, or depends on who notices first.
func Breaks(in *scenarios.Incident) (once, known bool) {
	switch k := kindOf(in.Kind); {
	case k == nil || k.breaks == breaksByChance:
		return false, false
	case k.breaks == breaksNone || in.Way == scenarios.Orderly:
		return false, true
	}
	return true, true
}

// AddsClients reports whether an incident of a checked scenario has another client
// connect for each device that it strikes.
func AddsClients(in *scenarios.Incident) bool {
	k := kindOf(in.Kind)
	return k != nil && k.duplicates
}
