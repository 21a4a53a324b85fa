package fleet

import "time"

// clock counts the time of a run from its epoch.
type clock struct{ epoch time.Time }

// now is how long ago the epoch was.
func (c clock) now() time.Duration { return time.Since(c.epoch) }

// at is a time as now counts it.
func (c clock) at(t time.Time) time.Duration { return t.Sub(c.epoch) }

// moment is a time.Time of this run in a third of the room: the nanoseconds since
// the epoch of its clock, from 1. Zero is never.
type moment int64

// moment returns a time as a moment.
func (c clock) moment(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	return moment(t.Sub(c.epoch)) + 1
}

// time returns a moment as a time.
func (c clock) time(m moment) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return c.epoch.Add(time.Duration(m - 1))
}

// beat is the grid on which sessions wake for what is not urgent, so that those of
// a large fleet wake together: a process that wakes from idle for one device
// costs more than what the device then does. What is due keeps to its own time,
// and is done at most a beat later.
const beat = 200 * time.Millisecond

// unhurried is an interval that a beat more or less means nothing to.
const unhurried = 10 * time.Second

// onBeat returns the first beat at or after a time; zero stays zero.
func (c clock) onBeat(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	d := t.Sub(c.epoch)
	return c.epoch.Add((d + beat - 1) / beat * beat)
}
