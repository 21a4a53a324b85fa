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
	return &latency{f.Latency, max(f.Jitter, -f.Jitter), r}
}

type latency struct {
	latency, jitter time.Duration
	rand            *rand.Rand
}

func (l *latency) pace(n int, came, _ time.Time) (int, time.Time) {
	d := l.latency
	if l.jitter > 0 {
		d += time.Duration(l.rand.Int64N(2*int64(l.jitter)+1)) - l.jitter
	}
	return n, came.Add(max(d, 0))
}
