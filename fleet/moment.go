package fleet

import "time"

// moment is a time.Time of this run in a third of the room: the nanoseconds since
// the fleet's epoch, from 1. Zero is never.
type moment int64

// moment returns a time as a moment.
func (f *Fleet) moment(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	return moment(t.Sub(f.epoch)) + 1
}

// time returns a moment as a time.
func (f *Fleet) time(m moment) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return f.epoch.Add(time.Duration(m - 1))
}
