package load

import (
	"time"

	"homefleet/fleet/metrics"
)

// Begin starts the load, whose measuring starts at zero. Its own goroutine calls it.
func (r *Controller) Begin(zero time.Time) { r.BeginAfter(zero, r.slots.pace.begin) }

// BeginAfter is Begin for a controller that was not there until a moment: what was planned
// before it is not sent.
func (r *Controller) BeginAfter(zero time.Time, missed time.Duration) {
	r.zero = zero
	if r.Group.closed() {
		for range r.Group.Spec.InFlight {
			r.due = append(r.due, max(r.slots.pace.begin, missed))
		}
	} else {
		r.slot, r.more = r.slots.Next()
		if missed > r.slots.pace.begin {
			r.skip(missed, metrics.NotConnected)
		}
	}
	r.reschedule()
}

// Finish ends the load. Answers are still taken, and slots that were planned
// before and wait because of flow control still leave, as do those that the
// generator is a little late with; if it is far behind it gives them up.
func (r *Controller) Finish() {
	switch {
	case !r.Live():
		r.skip(r.slots.pace.end, metrics.NotConnected)
	case !r.waits: // what waits may have been let go of just now
		r.skip(r.slots.pace.end-farBehind, metrics.GeneratorLate)
	}
	r.ended, r.due = true, nil
	r.checkIdle()
	r.reschedule()
}

// farBehind is how late a slot may still leave when the load is over.
const farBehind = time.Second
