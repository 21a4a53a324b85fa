package client

import "time"

// Clock counts the time of a run from its epoch.
type Clock struct{ Epoch time.Time }

// Now is how long ago the epoch was.
func (c Clock) Now() time.Duration { return time.Since(c.Epoch) }

// At is a time as Now counts it.
func (c Clock) At(t time.Time) time.Duration { return t.Sub(c.Epoch) }

// Moment is a time.Time of this run in a third of the room: the nanoseconds since
// the epoch of its clock, from 1. Zero is never.
type Moment int64

// Moment returns a time as a moment.
func (c Clock) Moment(t time.Time) Moment {
	if t.IsZero() {
		return 0
	}
	return Moment(t.Sub(c.Epoch)) + 1
}

// Time returns a moment as a time.
func (c Clock) Time(m Moment) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return c.Epoch.Add(time.Duration(m - 1))
}

// beat is the grid on which sessions wake for what is not urgent, so that those of
// a large fleet wake together: a process that wakes from idle for one device
// costs more than what the device then does. What is due keeps to its own time,
// and is done at most a beat later.
const beat = 200 * time.Millisecond

// Unhurried is an interval that a beat more or less means nothing to.
const Unhurried = 10 * time.Second

// OnBeat returns the first beat at or after a time; zero stays zero.
func (c Clock) OnBeat(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	d := t.Sub(c.Epoch)
	return c.Epoch.Add((d + beat - 1) / beat * beat)
}
