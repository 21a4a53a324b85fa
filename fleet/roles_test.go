package fleet

import (
	"math"
	"testing"

	"homefleet/fleet/draws"
	"homefleet/scenarios"
)

// No two sessions share their random choices: not two of a role, not one of each of two
// roles, and not a device and its duplicate, also where a scenario has as many of all as it
// may, and where an int has 32 bits.
func TestIdentitiesShareNoChoices(t *testing.T) {
	if scenarios.MaxDevices != 1_000_000 || scenarios.MaxControllers != 1_000_000 {
		t.Errorf("a scenario may have %d devices and %d controllers; want the numbers tried here to be the highest", scenarios.MaxDevices, scenarios.MaxControllers)
	}
	roles := []role{deviceRole, controllerRole, watcherRole, auditorRole, duplicateRole}
	numbers := []int{0, 1, 2, 999, 500_000, 999_999, 2_000_000} // the last is for those that are added
	seen, chances := make(map[int]identity), make(map[float64]identity)
	for _, r := range roles {
		for _, n := range numbers {
			i := identity{r, n}
			s := i.stream()
			if s < 0 || s > math.MaxInt32 {
				t.Errorf("the stream of %+v is %d; want one that an int of 32 bits holds", i, s)
			}
			if other, ok := seen[s]; ok {
				t.Errorf("%+v and %+v have the stream %d", i, other, s)
			}
			seen[s] = i
			for _, p := range []draws.Purpose{draws.Backoff, draws.Slots} {
				c := draws.Chance(7, s, p, 0)
				if other, ok := chances[c]; ok {
					t.Errorf("%+v and %+v draw the same %v", i, other, c)
				}
				chances[c] = i
			}
		}
	}
	// Whatever its role, what is from 0 to the highest number is one stretch, and the
	// stretches lie apart.
	for k, r := range roles[1:] {
		if last, first := (identity{roles[k], 2_000_000}).stream(), (identity{r, 0}).stream(); last >= first {
			t.Errorf("role %d ends at %d, and role %d begins at %d; want them apart", roles[k], last, r, first)
		}
	}
}
