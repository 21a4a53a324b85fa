package cmd

import (
	"cmp"
	"runtime/debug"

	"homefleet/fleet/machine"
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
// set either; it reports whether it has.
func tuneMemory(lookup func(string) (string, bool)) bool {
	if _, ok := lookup("GOGC"); ok {
		return false
	}
	if _, ok := lookup("GOMEMLIMIT"); ok {
		return false
	}
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(int64(memoryShare * float64(cmp.Or(machine.This().Memory, unknownMemory))))
	return true
}

// While a fleet connects, the collector comes twice as often as it does by default:
// what is made then and let go of lies between what stays, and would keep it
// apart for ever.
const rampPercent = 50

// manyDevices is a fleet whose ramp leaves memory behind that is worth giving
// back; for a smaller one that takes longer than it is good for.
const manyDevices = 1000

// rampMemory is called before the devices connect.
func (r *running) rampMemory() {
	if r.OwnMemory {
		debug.SetGCPercent(rampPercent)
	}
}

// steadyMemory is called when the devices are up, once.
func (r *running) steadyMemory() {
	if r.steady {
		return
	}
	r.steady = true
	if r.OwnMemory {
		debug.SetGCPercent(gcPercent)
	}
	if r.sc.Count() >= manyDevices {
		// The collector has no reason to come again soon, and what the ramp left
		// behind would stay.
		debug.FreeOSMemory()
	}
}
