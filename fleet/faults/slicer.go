package faults

import (
	"math/rand/v2"
	"time"
)

// Slicer cuts what passes into pieces of AverageSize bytes, give or take up to
// SizeVariation (at least 1 byte), which are written or read one by one with
// Delay between them.
type Slicer struct {
	AverageSize   int
	SizeVariation int
	Delay         time.Duration
}

func (f Slicer) pacer(r *rand.Rand) pacer {
	return &slicer{Slicer: f, rand: r}
}

type slicer struct {
	Slicer
	rand *rand.Rand
	cut  bool // a piece has gone, so the next keeps its distance
}

func (s *slicer) pace(n int, came, last time.Time) (int, time.Time) {
	if n == 0 {
		return 0, came
	}
	size := s.AverageSize
	if v := max(s.SizeVariation, -s.SizeVariation); v > 0 {
		size += s.rand.IntN(2*v+1) - v
	}
	at := came
	if s.cut {
		at = later(came, last.Add(s.Delay))
	}
	s.cut = true
	return min(n, max(size, 1)), at
}
