package fleet

import (
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/scenarios"
)

// A Will that was due while homefleet itself stood still, and is seen late, is held
// against nobody; one that was due before or after is judged as ever.
func TestStallIsNobodysFault(t *testing.T) {
	snap, s := brew(t, `
[phases]
measure = "1m"
[audit]
slack = "1s"
[[device]]
kind = "light"
count = 3
id = "lamp-{n}"
`, broker.Config{Will: func(broker.WillInfo) broker.WillFate { return broker.WillFate{Copies: 1, Delay: 6 * time.Second} }}, func(s *storm) {
		for i, at := range []time.Duration{5 * time.Second, 20 * time.Second, 35 * time.Second} {
			s.sleepTo(at)
			d, _ := s.fleet.Device([]string{"lamp-1", "lamp-2", "lamp-3"}[i])
			if err := d.Die(s.t.Context(), scenarios.Cut); err != nil {
				t.Fatal(err)
			}
		}
		s.sleepTo(42 * time.Second)
		zero, _ := s.fleet.MeasureStart()
		s.fleet.stoodStill(zero.Add(18*time.Second), zero.Add(27*time.Second))
	})
	if w := snap.Audit.Wills; w.Late != 2 || w.Unwatched != 1 {
		t.Errorf("%+v; want 2 late and 1 not watched", w)
	}
	all := s.fleet.Incidents()
	if len(all) == 0 || time.Duration(all[0].At) != 18*time.Second || !strings.Contains(all[0].Text, "stood still for 9s") {
		t.Errorf("incidents %+v; want the stall at 18s", all)
	}
}
