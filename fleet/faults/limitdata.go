package faults

import (
	"math/rand/v2"
	"time"
)

// LimitData closes the connection when so many bytes have passed in one
// direction since it was set; those bytes still arrive. Each direction counts for
// itself. With Bytes below 1 it closes at once.
type LimitData struct {
	Bytes    int64
	Stream   Stream
	Toxicity float64
}

func (f LimitData) chance() float64 { return f.Toxicity }

func (f LimitData) pacer(direction Stream, _ *rand.Rand) pacer {
	if !f.Stream.in(direction) {
		return nil
	}
	left := limitData(f.Bytes)
	return &left
}

// limitData is how many bytes may still pass.
type limitData int64

func (l *limitData) spent() bool { return *l < 1 }

func (l *limitData) pace(n int, came, _ time.Time) (int, time.Time) {
	if l.spent() {
		return 0, time.Time{}
	}
	k := min(int64(n), int64(*l))
	*l -= limitData(k)
	return int(k), came
}
