package faults

import (
	"math/rand/v2"
	"time"
)

// Bandwidth lets at most Rate bytes a second pass, in pieces of some 20 ms. A
// byte has passed when its time on the line is over, also after an idle spell.
// With a Rate below 1 nothing passes.
type Bandwidth struct {
	Rate int64
}

func (f Bandwidth) pacer(*rand.Rand) pacer {
	return bandwidth(f.Rate)
}

// piecesPerSecond is how often a busy line delivers: often enough to look
// smooth, seldom enough that thousands of slow lines cost little.
const piecesPerSecond = 50

type bandwidth int64

func (rate bandwidth) pace(n int, came, last time.Time) (int, time.Time) {
	switch {
	case n == 0:
		return 0, came
	case rate < 1:
		return 0, time.Time{}
	}
	k := min(int64(n), max(int64(rate)/piecesPerSecond, 1))
	return int(k), later(came, last).Add(time.Duration(k * int64(time.Second) / int64(rate)))
}
