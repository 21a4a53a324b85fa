package fleet

import (
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/client"
)

const withAbsent = `
[connect]
session_expiry = "1h"
[phases]
measure = "10s"
[[device]]
kind = "light"
id = "old-{n}"
count = 2
[[device]]
kind = "light"
id = "new-{n}"
count = 300
present = false
[[controller]]
target = { id = "old-*" }
attribute = "power"
payload = "TOGGLE"
rate = "20/s"
timeout = "2s"
qos = 1
[[incident]]
kind = "power-cut"
at = "2s"
for = "1s"
[[incident]]
kind = "power-cut"
name = "second"
at = "7s"
for = "1s"
`

// Devices that are not there yet are waited for by nobody, and nothing befalls them, until
// somebody brings one back: from then on it is one like the others.
func TestDevicesThatAreNotThereYet(t *testing.T) {
	snap, _ := brew(t, withAbsent, broker.Config{}, func(s *storm) {
		select {
		case <-s.fleet.Ready():
		case <-time.After(5 * time.Second):
			t.Fatal("the fleet waits for devices that are not there yet")
		}
		if p := s.fleet.Presence(); p.Devices != 2 || p.Seen != 2 || p.Absent != 300 {
			t.Errorf("presence %+v; want 2 devices, and 300 absent", p)
		}
		s.sleepTo(5 * time.Second)
		if n := s.fleet.Counts().Dials.Load(); n > 10 {
			t.Errorf("%d dials; want those of the two, the controller and the auditor alone", n)
		}
		d, _ := s.fleet.Device("new-7")
		if !d.Absent() || d.Online() {
			t.Error("new-7 is there; want it absent")
		}
		if err := d.ReturnAs(s.t.Context(), client.Reconnect{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		if p := s.fleet.Presence(); !d.Online() || d.Absent() || p.Devices != 3 || p.Online != 3 || p.Absent != 299 {
			t.Errorf("after it was brought: online %v, %+v; want 3 devices online", d.Online(), p)
		}
		s.sleepTo(7500 * time.Millisecond)
		if d.Online() {
			t.Error("new-7 is online in a power cut; want it struck like the others")
		}
	})
	if snap.Devices.Total != 3 || snap.Devices.Online != 3 {
		t.Errorf("at the end %+v; want 3 of 3 online", snap.Devices)
	}
	var affected []int64
	for _, r := range snap.Recoveries {
		affected = append(affected, r.Affected)
		if r.Online.Count != r.Affected {
			t.Errorf("%s: %d of %d are back", r.Incident, r.Online.Count, r.Affected)
		}
	}
	if len(affected) != 2 || affected[0] != 2 || affected[1] != 3 {
		t.Errorf("the power cuts befell %d; want 2, and then 3", affected)
	}
	if w := snap.Audit.Wills; w.Outages != 2+3+3 {
		t.Errorf("%d outages; want 2, then 3, and 3 as all leave", w.Outages)
	}
}

// A fleet of which nobody is there yet is ready at once, and ends well.
func TestNobodyIsThereYet(t *testing.T) {
	brew(t, "duration = \"3s\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\npresent = false\n", broker.Config{}, func(s *storm) {
		<-s.fleet.Ready()
		if p := s.fleet.Presence(); p.Devices != 0 || p.Absent != 1 {
			t.Errorf("presence %+v; want nobody, and one absent", p)
		}
	})
}
