package fleet

import (
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/client"
)

// A device that comes back under another client id takes over nothing: the broker
// finds out by the Keep Alive (3.1.2-22) that the old connection is dead, and not
// sooner.
func TestRenamedLeavesHalfOpen(t *testing.T) {
	for _, tt := range []struct {
		rename   bool
		from, to time.Duration // when the Will is seen, after the power cut
	}{
		{false, time.Second, time.Second + 100*time.Millisecond}, // 3.1.4-3
		{true, 3 * time.Second, 7 * time.Second},                 // 1.5 times 4 s after the last PINGREQ
	} {
		seen := time.Duration(0)
		snap, _ := brew(t, hasty+"[audit]\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n", broker.Config{}, func(s *storm) {
			s.sleepTo(5 * time.Second)
			d, _ := s.fleet.Device("lamp")
			if err := d.Die(s.t.Context(), Unplugged); err != nil {
				s.t.Fatal(err)
			}
			died := s.fleet.now()
			time.Sleep(time.Second)
			if err := d.ReturnAs(s.t.Context(), client.Reconnect{Rename: tt.rename}); err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(20 * time.Second)
			if all := d.Outages(); len(all) == 1 {
				seen = all[0].SeenAt - died
			}
		})
		if seen < tt.from || seen > tt.to {
			t.Errorf("rename %t: the Will was seen %v after the power cut; want %v to %v", tt.rename, seen, tt.from, tt.to)
		}
		if w := snap.Audit.Wills; w.OnTime != 1 || w.Messages != 1 {
			t.Errorf("rename %t: %+v; want 1 on time", tt.rename, w)
		}
	}
}
