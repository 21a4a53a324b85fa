package faults

import (
	"math/rand/v2"
	"time"
)

// Latency delays all that passes. Each piece has a delay of its own, drawn
// evenly from Latency - Jitter to Latency + Jitter and not below 0, but none
// overtakes another.
type Latency struct {
	Latency time.Duration
	Jitter  time.Duration
}

func (f Latency) pacer(r *rand.Rand) pacer {
	return &latency{latency: f.Latency, jitter: max(f.Jitter, -f.Jitter), rand: r}
}

type latency struct {
	latency, jitter time.Duration
	rand            *rand.Rand
	came            time.Time     // of the latest
	late            time.Duration // by the jitter, what came then
}

// pace draws once for all that comes at one moment: in how many pieces it is read is the
// scheduler's choice, and what is replayed in simulated time is to come out the same.
func (l *latency) pace(n int, came, _ time.Time) (int, time.Time) {
	if l.jitter > 0 && !came.Equal(l.came) {
		l.came, l.late = came, time.Duration(l.rand.Int64N(2*int64(l.jitter)+1))-l.jitter
	}
	return n, came.Add(max(l.latency+l.late, 0))
}
