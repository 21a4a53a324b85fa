// Package events hands what happens in a run to those who look on. It keeps a bounded
// number of events, so that somebody whose connection broke takes up where it was, and
// knows nothing of devices or MQTT: what an event says is bytes to it.
//
// Whoever publishes never waits for anybody: an event that a viewer is too slow for is
// counted as missed by that viewer, and gone. While nobody looks on, an event costs its
// publisher one atomic load.
package events

import "time"

// Type is what an event is about.
type Type uint8

// The types of events.
const (
	Exchange     Type = iota // a command to a device, with all that it said because of it
	Refusal                  // likewise, of a command that the device has refused or ignored
	Presence                 // a device has come online or gone offline
	Incident                 // an incident is planned, has begun, or is over
	Will                     // what became of a Will Message
	Intervention             // somebody has done something to the run
	Phase                    // the run is in another phase
	TypeCount    int  = iota
)

// names are the words for the types, as filters and streams have them.
var names = [TypeCount]string{"exchange", "refusal", "presence", "incident", "will", "intervention", "phase"}

// String returns the type in a word.
func (t Type) String() string {
	if int(t) < len(names) {
		return names[t]
	}
	return "unknown"
}

// Names returns the words for all types, in their order.
func Names() []string { return append([]string(nil), names[:]...) }

// Types is a set of types.
type Types uint16

// All has every type.
const All = Types(1<<TypeCount - 1)

// Set returns a set of types.
func Set(all ...Type) (s Types) {
	for _, t := range all {
		s |= 1 << t
	}
	return s
}

// Has reports whether the set has a type.
func (s Types) Has(t Type) bool { return s&(1<<t) != 0 }

// Event is something that happened.
type Event struct {
	ID     uint64 // from 1, in the order in which they were published
	Type   Type
	Device int           // its number; below 0: it is about no single device
	At     time.Duration // on the clock of the run
	Body   []byte        // what it says, in its publisher's own encoding. Nobody changes it

	wanted uint32 // the interests that it is for, a bit each: there are no more than 21
}

// Devices is a set of devices, by their numbers; nil has all of them.
type Devices struct{ words []uint64 }

// NewDevices returns the set of some devices of a fleet with count.
func NewDevices(count int, numbers []int) *Devices {
	d := &Devices{make([]uint64, (count+63)/64)}
	for _, n := range numbers {
		d.words[n/64] |= 1 << (n % 64)
	}
	return d
}

// Has reports whether the set has a device.
func (d *Devices) Has(number int) bool {
	return d == nil || number/64 < len(d.words) && d.words[number/64]&(1<<(number%64)) != 0
}
