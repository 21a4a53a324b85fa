package fleet

import (
	"math/rand/v2"
	"time"

	"homefleet/devices"
)

// purpose keeps the random choices of one device apart from each other.
type purpose uint64

const (
	forBackoff purpose = iota + 1
	forTelemetry
	forModel
	forKeepAlive
	forSlots
	forArrival
	forTarget
	forFaults
	forMisdeeds
	forIncident
)

// chance returns a number in [0, 1) that follows from the seed, the device's
// global number, the purpose and a count alone: not from what other devices do,
// nor from when it is asked.
func chance(seed uint64, device int, p purpose, count uint64) float64 {
	// As Float64 of a rand.Rand, which would have the generator escape to the heap.
	var g rand.PCG
	g.Seed(mix(seed+uint64(p)<<56), mix(uint64(device)<<32+count))
	return float64(g.Uint64()<<11>>11) / (1 << 53)
}

// mix spreads neighbouring numbers over all 64 bits, so that neighbouring devices
// share nothing.
func mix(x uint64) uint64 { return devices.Mix(x + 0x9e3779b97f4a7c15) }

// terms are on what terms a session connects again.
type terms struct {
	naive    bool
	min, max time.Duration
	reset    time.Duration // connected this long, the back-off starts anew
}

// backoff returns how long a session waits before its next try after failures in
// a row (1 for the first). Full jitter is uniform in [0, min(max, min*2^(n-1)));
// naive is always the minimum. draw is a number in [0, 1).
func (t *terms) backoff(failures int, draw float64) time.Duration {
	if t.naive {
		return t.min
	}
	ceiling := t.max
	if shift := failures - 1; shift < 62 && t.min <= t.max>>shift {
		ceiling = t.min << shift
	}
	return time.Duration(draw * float64(ceiling))
}
