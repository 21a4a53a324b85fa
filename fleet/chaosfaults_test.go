package fleet

import (
	"fmt"
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// What chaos has found, each by itself: incidents on top of each other, at a
// broker that does right. Nobody is accused, everybody is back and answers, and
// the broker retains what the devices know.
func TestIncidentsOnTopOfEachOther(t *testing.T) {
	t.Parallel()
	lamps := Some(8, 40)
	devices := fmt.Sprintf(`
seed = 5
[connect]
keep_alive = "20s"
session_expiry = "10m"
[[device]]
kind = "light"
count = %d
id = "lamp-{n}"
[phases]
measure = "5m"
`, lamps)
	for i, tt := range []struct {
		name, incidents string
		way             string // there are outages of that way
		act             func(*storm)
	}{
		{"a duplicate finds the client id that the device has now", incidentOf("offline", "10s", "5s", `rename = true`) + incidentOf("id-fight", "30s", "5s"), "taken over", nil},
		{"the broker goes while devices are unplugged", incidentOf("power-cut", "10s", "1m") + incidentOf("broker-outage", "15s", "2s"), "unplugged", nil},
		{"the broker goes while there is no network", incidentOf("wifi-loss", "10s", "1m") + incidentOf("broker-outage", "15s", "2s"), "wifi-loss", nil},
		{"the broker goes while devices are stuck", incidentOf("offline", "10s", "1m", `way = "silence"`) + incidentOf("broker-outage", "15s", "2s"), "silence", nil},
		{"a fight that is over when the network is back", incidentOf("wifi-loss", "10s", "14s") + incidentOf("id-fight", "11s", "1s"), "taken over", nil},
		// At 37s a PINGREQ is under way.
		{"packets that are on a slow link as the network goes", incidentOf("slow-link", "5s", "4m", `latency = "4s"`) + incidentOf("wifi-loss", "37s", "2m"), "wifi-loss", nil},
		{"packets that are on a slow link as devices get stuck", incidentOf("slow-link", "5s", "4m", `latency = "4s"`) + incidentOf("offline", "37s", "2m", `way = "silence"`), "silence", nil},
		{"a Will that is there before the CONNACK", "[audit]\nslack = \"1s\"\n" + incidentOf("slow-link", "5s", "1m", `latency = "3s"`) + incidentOf("offline", "10s", "10s") + incidentOf("id-fight", "24s", "5s"), "taken over", func(s *storm) {
			s.sleepTo(25900 * time.Millisecond)
			if w := s.fleet.Snapshot().Audit.Wills; w.Unexpected != 0 || w.Messages < 2*int64(lamps) {
				s.t.Errorf("Wills = %+v; want none of at least %d unexpected", w, 2*lamps)
			}
		}},
		{"a device that is away again before it could answer, for long", incidentOf("slow-link", "5s", "20s", `latency = "2s"`) + incidentOf("offline", "10s", "5s"), "cut", func(s *storm) {
			s.sleepTo(21 * time.Second) // online, and asked
			d := s.fleet.Devices()[7]
			if err := d.Die(s.t.Context(), Cut); err != nil {
				s.t.Fatal(err)
			}
			s.sleepTo(4 * time.Minute)
			if err := d.Return(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
		}},
	} {
		if Some(i%2 != 0, false) {
			continue // a part of them
		}
		t.Run(tt.name, func(t *testing.T) {
			snap, _ := brew(t, devices+tt.incidents, broker.Config{}, tt.act)
			w := snap.Audit.Wills
			if w.Early+w.Late+w.Missing+w.Duplicate+w.Unexpected+w.Altered != 0 || w.OnTime+w.Unwatched == 0 {
				t.Errorf("Wills = %+v; want some, and none of them found fault with", w)
			}
			found := false
			for _, of := range snap.Audit.Ways {
				found = found || of.Way == tt.way && of.Outages > 0
			}
			if !found {
				t.Errorf("Ways = %+v; want some that went %q", snap.Audit.Ways, tt.way)
			}
			if d := snap.Devices; d.Online != d.Total {
				t.Errorf("Devices = %+v; want all online", d)
			}
			for _, r := range snap.Recoveries {
				if r.Online.Count != r.Affected || r.Answering.Count != r.Affected {
					t.Errorf("after %s: %d online and %d answering of %d; want all", r.Incident, r.Online.Count, r.Answering.Count, r.Affected)
				}
			}
			if r := snap.Audit.Retained; r == nil || r.Right != r.Checked {
				t.Errorf("Retained = %+v; want all right", r)
			}
		})
	}
}

// What a device has published is what the broker retains, also where its state
// has moved on a little since: a temperature is not reported at each tenth.
func TestRetainedIsWhatWasPublished(t *testing.T) {
	snap, _ := brew(t, "seed = 5\n[phases]\nmeasure = \""+Some("20m", "1h")+"\""+`
[audit]
[[device]]
kind = "thermostat"
count = 20
retain = true
`, broker.Config{}, nil)
	if r := snap.Audit.Retained; r == nil || r.Right != r.Checked || r.Checked != 20*7 {
		t.Errorf("Retained = %+v; want all of %d right", r, 20*7)
	}
}
