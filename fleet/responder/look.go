package responder

import (
	"strconv"
	"sync/atomic"
)

// Look is what a device is like at a glance: a word of bits that others may read at any
// time, and that the device stores when it changes. From the lowest bit on it has
//
//	3 bits   presence: see [LookNever] and those behind it
//	1 bit    its connection is slow
//	1 bit    it misbehaves
//	3 bits   its latest Will Message: 0 none, else 1 + pending, on time, early, late,
//	         missing, unwatched, or not due
//	1 bit    it is on; of a thermostat: it heats
//	7 bits   level: of a light its brightness, of a thermostat its target in half degrees
//	8 bits   colour of a light: 3 bits red, 3 green, 2 blue
//	4 bits   counts its commands, modulo 16
type Look uint32

// The presences of a [Look].
const (
	LookNever     Look = iota // it has not been online yet
	LookOnline                // it is online
	LookOff                   // something keeps it off
	LookNoNetwork             // it has no network
	LookLost                  // its connection was lost, and it tries again
	LookSilent                // it neither reads nor writes
	LookGaveUp                // the broker has refused it for good
	LookRemoved               // it is no part of the fleet any more
)

// Places in a look.
const (
	lookSlow, lookMisbehaves = 1 << 3, 1 << 4
	lookWill, lookWillBits   = 5, Look(7 << 5)
	lookOn                   = 1 << 8
	lookLevel, lookColour    = 9, 16
	lookActs, lookActBits    = 24, Look(15 << 24)
)

// Looks are those of the devices of a fleet, by their numbers.
type Looks []atomic.Uint32

// Of returns that of a device.
func (l Looks) Of(number int) Look { return Look(l[number].Load()) }

// SetWill says what became of a device's latest Will, as a [Look] has it.
func (l Looks) SetWill(number int, will Look) {
	if l == nil {
		return
	}
	l.change(number, func(was Look) Look { return was&^lookWillBits | will<<lookWill&lookWillBits })
}

// change changes a look that others may change, too.
func (l Looks) change(number int, to func(Look) Look) {
	for one := &l[number]; ; {
		was := one.Load()
		is := uint32(to(Look(was)))
		if is == was || one.CompareAndSwap(was, is) {
			return
		}
	}
}

// look stores what the device is like now. acts says that it has just had a command.
func (r *Responder) look(acts bool) {
	if r.env.Looks == nil {
		return
	}
	is := r.presenceLook() | r.appearance()
	if _, _, slow := r.Hindered(); slow {
		is |= lookSlow
	}
	if r.misbehavior != nil && r.Misbehavior().Settings() != nil {
		is |= lookMisbehaves
	}
	r.env.Looks.change(r.spec.Number, func(was Look) Look {
		n := was & lookActBits
		if acts {
			n = (n + 1<<lookActs) & lookActBits
		}
		return is | was&lookWillBits | n
	})
}

func (r *Responder) presenceLook() Look {
	off, noNetwork, _ := r.Hindered()
	switch {
	case r.IsRemoved():
		return LookRemoved
	case r.frozen:
		return LookSilent
	case r.Cause() != nil:
		return LookGaveUp
	case off:
		return LookOff
	case noNetwork:
		return LookNoNetwork
	case r.present:
		return LookOnline
	case r.WasOnline():
		return LookLost
	}
	return LookNever
}

// appearance is what the model shows.
func (r *Responder) appearance() (is Look) {
	s, ok := r.env.speeches.Get().(*speech) // for its scratch
	if !ok {
		s = new(speech)
	}
	defer r.env.speeches.Put(s)
	value := func(name string) []byte {
		attr, ok := r.spec.Group.Kind.Attribute([]byte(name))
		if !ok {
			return nil
		}
		s.scratch = r.model.AppendValue(s.scratch[:0], attr)
		return s.scratch
	}
	on, level := "ON", 1.0
	what, of := "power", "brightness"
	if r.spec.Group.Kind.Name == "thermostat" {
		on, what, of, level = "heating", "action", "target", 2
	}
	if string(value(what)) == on {
		is |= lookOn
	}
	if n, err := strconv.ParseFloat(string(value(of)), 64); err == nil {
		is |= Look(min(max(n*level, 0), 127)) << lookLevel
	}
	if c := value("color"); len(c) == 7 {
		if rgb, err := strconv.ParseUint(string(c[1:]), 16, 32); err == nil {
			is |= Look(rgb>>21&7<<5|rgb>>13&7<<2|rgb>>6&3) << lookColour
		}
	}
	return is
}

// Heeded implements [client.Heeds].
func (r *Responder) Heeded() { r.look(false) }
