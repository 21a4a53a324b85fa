package devices

import (
	"math"
	"time"
)

// Streams keep the random choices of one device apart. Each has its own values
// for the same seed.
const (
	streamTick = iota + 1 // when within a period a thermostat samples
	streamSensor
	streamRoom
	streamCycle
	streamVoltage
	streamLoad // + the index of the load profile; keep it last
)

// hash mixes a seed, a stream and an index into 64 even bits. Everything
// random about a device is such a pure function, so that nothing depends on
// how often or in which order it was asked for.
func hash(seed, stream, index uint64) uint64 {
	return Mix(Mix(seed+stream*0x9e3779b97f4a7c15) + index*0xd1342543de82ef95)
}

// Mix is a bijection on 64 bits in which every input bit flips about half of
// the output bits: the finalizer of SplitMix64, without its increment. It takes
// 0 to 0.
func Mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// uniform returns a value in (0, 1), never an end.
func uniform(seed, stream, index uint64) float64 {
	return (float64(hash(seed, stream, index)>>12) + 0.5) / (1 << 52)
}

// spread returns a duration in [0, d).
func spread(seed, stream, index uint64, d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(hash(seed, stream, index) % uint64(d))
}

// gauss returns a value of the standard normal distribution. The largest
// magnitude it can return is about 8.2.
func gauss(seed, stream, index uint64) float64 {
	return math.Sqrt2 * math.Erfinv(2*uniform(seed, stream, index)-1)
}

// latticePerCorrelation is the distance of the lattice points in correlation
// times, such that the autocorrelation of slowNoise, averaged over a lattice
// cell, is 1/e after one correlation time.
const latticePerCorrelation = 1.1109

// slowNoise returns noise of mean 0, sigma 1 and the given correlation time at
// a moment: independent normal values on a lattice of time, blended in
// between. The blend is scaled by the length of its weights, which keeps sigma
// at 1 between the points as well.
func slowNoise(seed, stream uint64, correlation, t time.Duration) float64 {
	lattice := time.Duration(latticePerCorrelation * float64(correlation))
	i := uint64(t / lattice)
	f := float64(t%lattice) / float64(lattice)
	return ((1-f)*gauss(seed, stream, i) + f*gauss(seed, stream, i+1)) / math.Sqrt((1-f)*(1-f)+f*f)
}
