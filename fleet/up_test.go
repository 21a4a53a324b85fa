package fleet

import (
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// A device whose network is gone is offline in every count, though neither it nor the
// broker has noticed, and back when the network is.
func TestNoNetworkIsOffline(t *testing.T) {
	const lamps = `
[connect]
keep_alive = "10m"
[phases]
measure = "30s"
[[device]]
kind = "light"
id = "lamp"
[[device]]
kind = "light"
id = "other"
[[controller]]
attribute = "power"
payloads = ["ON"]
target = { id = "lamp" }
rate = "1/s"
timeout = "1s"
[[incident]]
kind = "wifi-loss"
target = { id = "lamp" }
`
	for _, tt := range []struct {
		when    string
		middle  int // online at 15 s
		end     int
		away    int64 // requests
		offline int   // in the end, for no reason
	}{
		{"at = \"10s500ms\"\nfor = \"10s\"\n", 1, 2, 10, 0},
		{"at = \"20s500ms\"\nfor = \"1h\"\n", 2, 1, 9, 0},
	} {
		snap, _ := brew(t, lamps+tt.when, broker.Config{}, func(s *storm) {
			s.sleepTo(15 * time.Second)
			d, _ := s.fleet.Device("lamp")
			if got := s.fleet.Presence().Online; got != tt.middle || d.Online() != (tt.middle == 2) {
				t.Errorf("%q: %d of 2 are online in the middle, the lamp: %t; want %d", tt.when, got, d.Online(), tt.middle)
			}
		})
		if snap.Devices.Online != tt.end || snap.Totals.SentAway != tt.away || snap.Devices.Offline != tt.offline {
			t.Errorf("%q: %+v, %d requests to somebody away; want %d online, %d, %d offline for no reason", tt.when, snap.Devices, snap.Totals.SentAway, tt.end, tt.away, tt.offline)
		}
	}
}
