package incident

import (
	"slices"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// EventLog are the things that happened, for the time line, on the clock of the run: the
// start of measuring may still be unknown. Its memory is bounded; the zero value is
// empty. It may be used from any goroutine.
type EventLog struct {
	mu   sync.Mutex
	seen []metrics.Incident
	more int // than there is room for
}

// MostEvents bounds an [EventLog]; a time line with more cannot be read.
const MostEvents = 200

// Add adds one and returns its place, by which [EventLog.EndAt] finds it. Those beyond
// [MostEvents] are only counted, and have none: that is below 0.
func (l *EventLog) Add(in metrics.Incident) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.seen) == MostEvents {
		l.more++
		return -1
	}
	l.seen = append(l.seen, in)
	return len(l.seen) - 1
}

// EndAt has one end at another moment than it was to.
func (l *EventLog) EndAt(place int, to time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if place >= 0 {
		l.seen[place].To = metrics.Span(to)
	}
}

// LeftOut returns how many there were beyond those that All returns.
func (l *EventLog) LeftOut() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.more
}

// All returns them with their moments counted from zero, a moment of the same clock.
func (l *EventLog) All(zero time.Duration) []metrics.Incident {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Clone(l.seen)
	for i := range all {
		all[i].At -= metrics.Span(zero)
		all[i].To -= metrics.Span(zero)
	}
	return all
}
