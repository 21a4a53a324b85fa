package incident

import (
	"time"

	"homefleet/fleet/metrics"
)

const (
	// leastInterval is the first length of an interval of a reconnect histogram; it
	// doubles when there would be more than [metrics.ReconnectIntervals] of them.
	leastInterval = 250 * time.Millisecond
	// mostTries bounds the intervals of the first length that are counted in; what comes
	// later counts in the last.
	mostTries = 4 * metrics.ReconnectIntervals
)

// histogram returns the shape of the reconnect; nil where nobody connected. The caller
// holds the lock.
func (r *Recovery) histogram() *metrics.ReconnectHistogram {
	if len(r.tries) == 0 && len(r.online) == 0 {
		return nil
	}
	last := time.Duration(max(len(r.tries)-1, 0)) * leastInterval
	if n := len(r.online); n > 0 {
		last = max(last, r.online[n-1])
	}
	interval := leastInterval
	for last/interval >= metrics.ReconnectIntervals {
		interval *= 2
	}
	n := int(last/interval) + 1
	h := &metrics.ReconnectHistogram{Interval: metrics.Span(interval), Attempts: make([]int64, n), Online: make([]int64, n)}
	for i, tries := range r.tries {
		h.Attempts[min(int(time.Duration(i)*leastInterval/interval), n-1)] += tries
	}
	for _, at := range r.online {
		h.Online[min(int(at/interval), n-1)]++
	}
	return h
}
