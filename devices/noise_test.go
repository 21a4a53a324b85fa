package devices

import (
	"math"
	"testing"
	"time"
)

func TestGauss(t *testing.T) {
	const n = 100000
	var sum, squares, beyond float64
	for i := range uint64(n) {
		g := gauss(7, streamSensor, i)
		sum += g
		squares += g * g
		if math.Abs(g) > 1.96 {
			beyond++
		}
	}
	if m := sum / n; math.Abs(m) > 0.015 {
		t.Errorf("mean of gauss = %v; want 0", m)
	}
	if s := math.Sqrt(squares / n); math.Abs(s-1) > 0.01 {
		t.Errorf("sigma of gauss = %v; want 1", s)
	}
	if b := beyond / n; math.Abs(b-0.05) > 0.004 {
		t.Errorf("share of gauss beyond 1.96 = %v; want 0.05", b)
	}
}

// Sigma holds at the lattice points and between them, and the autocorrelation
// after one correlation time is 1/e.
func TestSlowNoise(t *testing.T) {
	const correlation = 10 * time.Minute
	lattice := time.Duration(latticePerCorrelation * float64(correlation))
	at := func(t time.Duration) float64 { return slowNoise(11, streamVoltage, correlation, t) }
	const n = 20000
	for _, part := range []float64{0, 0.25, 0.5, 0.9} {
		var squares float64
		for i := range n {
			x := at(time.Duration((float64(i) + part) * float64(lattice)))
			squares += x * x
		}
		if s := math.Sqrt(squares / n); math.Abs(s-1) > 0.03 {
			t.Errorf("sigma of slowNoise at %v of the lattice = %v; want 1", part, s)
		}
	}
	var both float64
	for i := range 4 * n {
		x := time.Duration(i) * 3 * time.Minute
		both += at(x) * at(x+correlation)
	}
	if c := both / (4 * n); math.Abs(c-1/math.E) > 0.03 {
		t.Errorf("autocorrelation after a correlation time = %v; want 1/e", c)
	}
	for i := range 1000 {
		x := time.Duration(i) * 7 * time.Second
		if d := math.Abs(at(x+time.Second) - at(x)); d > 0.05 {
			t.Errorf("slowNoise moved by %v in a second; want it to be continuous", d)
		}
	}
}

// Seeds and streams have nothing to do with each other.
func TestHashIndependent(t *testing.T) {
	const n = 20000
	var seeds, streams, neighbours float64
	for i := range uint64(n) {
		a := gauss(i, 1, 5)
		seeds += a * gauss(i+1, 1, 5)
		streams += a * gauss(i, 2, 5)
		neighbours += a * gauss(i, 1, 6)
	}
	for what, sum := range map[string]float64{"seeds": seeds, "streams": streams, "indexes": neighbours} {
		if c := sum / n; math.Abs(c) > 0.03 {
			t.Errorf("correlation of neighbouring %s = %v; want 0", what, c)
		}
	}
}
