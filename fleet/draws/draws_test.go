package draws

import "testing"

// The draws of neighbouring devices and purposes are spread evenly and share
// nothing.
func TestChance(t *testing.T) {
	const n = 20_000
	var buckets [10]int
	sum := 0.0
	for device := range n {
		x := Chance(7, device, Backoff, 0)
		buckets[int(x*10)]++
		sum += (x - 0.5) * (Chance(7, device+1, Backoff, 0) - 0.5)
	}
	for i, c := range buckets {
		if c < n/10-250 || c > n/10+250 {
			t.Errorf("bucket %d holds %d of %d; want a tenth", i, c, n)
		}
	}
	if r := sum / n / (1.0 / 12); r > 0.03 || r < -0.03 {
		t.Errorf("neighbours correlate by %.3f; want 0", r)
	}
}
