// Package draws makes the random choices of a fleet. Each follows from a seed, who
// draws, what for and how often before: not from what others do, nor from when it is
// asked. There is no state, and no generator that anybody shares.
package draws

import "math/rand/v2"

// Purpose keeps the random choices of one session apart from each other.
type Purpose uint64

// What is drawn for. The numbers are a part of every seed's meaning: a new purpose
// comes last.
const (
	Backoff Purpose = iota + 1
	Telemetry
	Model
	KeepAlive
	Slots
	Arrival
	Target
	Faults
	Misbehavior
	Incident
	Face
)

// Chance returns a number in [0, 1) for the count-th choice of somebody with a number
// of its own. It allocates nothing and may be called from any goroutine.
func Chance(seed uint64, number int, p Purpose, count uint64) float64 {
	// As Float64 of a rand.Rand, which would have the generator escape to the heap.
	var g rand.PCG
	g.Seed(Mix(seed+uint64(p)<<56), Mix(uint64(number)<<32+count))
	return float64(g.Uint64()<<11>>11) / (1 << 53)
}

// Mix spreads neighbouring numbers over all 64 bits, so that neighbouring devices
// share nothing: a step of SplitMix64.
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
