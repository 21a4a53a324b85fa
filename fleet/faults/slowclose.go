package faults

import (
	"math/rand/v2"
	"time"
)

// SlowClose holds back the end of what is written: the FIN of a Close or
// CloseWrite leaves so much later. Close returns at once, and what was written
// before still goes out until then. A reset is not held back.
type SlowClose struct {
	Delay    time.Duration
	Toxicity float64
}

func (f SlowClose) chance() float64 { return f.Toxicity }

func (f SlowClose) pacer(direction Stream, _ *rand.Rand) pacer {
	if direction != Upstream {
		return nil
	}
	return slowClose(f.Delay)
}

type slowClose time.Duration

func (d slowClose) pace(n int, came, _ time.Time) (int, time.Time) {
	if n == 0 {
		came = came.Add(time.Duration(d))
	}
	return n, came
}
