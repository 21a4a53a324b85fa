package faces_test

import (
	"testing"

	"homefleet/devices/faces"
)

// No two of a million devices have the same last three bytes of their MAC, of which
// products make names; a MAC is that of nobody's product, and follows from seed and number.
func TestMACs(t *testing.T) {
	all := some[uint64](100_000, 1_000_000)
	seen := make(map[[3]byte]uint64, all)
	for n := range all {
		w := faces.Who{Number: n, Seed: 42}
		m := w.MAC()
		tail := [3]byte(m[3:])
		if other, ok := seen[tail]; ok {
			t.Fatalf("devices %d and %d both end in %x", other, n, tail)
		}
		seen[tail] = n
		if m[0]&3 != 2 {
			t.Fatalf("device %d has %x; want a MAC that is locally administered and no multicast one", n, m)
		}
	}
	w, again, elsewhere := faces.Who{Number: 5, Seed: 1}, faces.Who{ID: "x", Number: 5, Seed: 1}, faces.Who{Number: 5, Seed: 2}
	if w.MAC() != again.MAC() {
		t.Errorf("the MAC of number 5 is %x and %x; want one", w.MAC(), again.MAC())
	}
	if w.MAC() == elsewhere.MAC() {
		t.Errorf("the MAC of number 5 is %x with seeds 1 and 2; want two", w.MAC())
	}
}
