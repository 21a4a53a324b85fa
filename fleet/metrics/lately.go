package metrics

import "time"

// Lately is how the events of a histogram that only grows are told apart by when they came:
// each look has those since the last. The zero value has looked at none.
type Lately struct {
	seen       map[time.Duration]int64 // events of each bucket at the last look
	unanswered int64
}

// Recent is what came since the last look: how many events, how many of them without an
// answer, and percentiles of all, as [Histogram.Percentile] has them. Without events all of
// it is 0.
type Recent struct {
	Total, Unanswered int64
	P50, P99, Max     time.Duration // [NoAnswer] where it falls among those without
}

// Look returns what a histogram has that it had not at the last look; nil is an empty one.
func (l *Lately) Look(h *Histogram) (r Recent) {
	if l.seen == nil {
		l.seen = make(map[time.Duration]int64)
	}
	type bucket struct {
		d time.Duration
		n int64
	}
	var fresh []bucket
	for d, n := range h.Buckets() {
		if more := n - l.seen[d]; more > 0 {
			fresh = append(fresh, bucket{min(d, h.Max()), more})
			r.Total += more
			l.seen[d] = n
		}
	}
	r.Unanswered = h.Unanswered() - l.unanswered
	l.unanswered = h.Unanswered()
	if r.Total += r.Unanswered; r.Total == 0 {
		return r
	}
	at := func(p float64) time.Duration {
		rank := Rank(p, r.Total)
		for _, b := range fresh {
			if rank -= b.n; rank <= 0 {
				return b.d
			}
		}
		return NoAnswer
	}
	r.P50, r.P99, r.Max = at(50), at(99), at(100)
	return r
}
