package fleet

import (
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// A run whose last answer is there as the measuring ends has a drain all the same, of
// no length: the phases of a result do not hang on a millisecond.
func TestDrainOfNoLength(t *testing.T) {
	snap, s := brew(t, hasty+"[[device]]\nkind = \"light\"\n[[controller]]\nattribute = \"power\"\nrate = \"10/s\"\n", broker.Config{}, nil)
	if snap.Totals.Answered != snap.Totals.Planned {
		t.Fatalf("%d of %d requests are answered; want all", snap.Totals.Answered, snap.Totals.Planned)
	}
	all := s.fleet.phasesOf(time.Duration(s.fleet.measured.Load()))
	if last := all[len(all)-1]; last.Name != "drain" || last.To < last.From {
		t.Errorf("the last phase is %+v; want the drain", last)
	}
}
