package fleet

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// Devices come and go in stages while it is measured, in an orderly way: the broker has as many
// clients as the stages say, no Will is due, and nobody is missed in the end.
func TestDeviceStages(t *testing.T) {
	const stages = `
[audit]
[[device]]
kind = "plug"
count = 20
telemetry = "1s"
[[device.stage]]
for = "20s"
from = "10%"
to = "100%"
[[device.stage]]
for = "10s"
share = "100%"
[[device.stage]]
for = "10s"
from = "100%"
to = "0%"
[[device.stage]]
for = "10s"
share = "50%"
`
	snap, s := brew(t, hasty+stages, broker.Config{}, func(s *storm) {
		for _, tt := range []struct {
			at   time.Duration
			want int
		}{{500 * time.Millisecond, 2}, {10 * time.Second, 11}, {21 * time.Second, 20}, {35 * time.Second, 10}, {39800 * time.Millisecond, 1}, {42 * time.Second, 10}, {58 * time.Second, 10}} {
			s.sleepTo(tt.at)
			time.Sleep(100 * time.Millisecond)
			clients := s.broker.Stats().Clients - 1 // the auditor
			if up := s.fleet.Presence(); up.Online != tt.want || clients != tt.want {
				t.Errorf("after %v %d devices are online, and the broker has %d clients; want %d", tt.at, up.Online, clients, tt.want)
			}
		}
	})
	if w := snap.Audit.Wills; w.Due != 0 || w.Messages != 0 {
		t.Errorf("of the Wills: %+v; want none due", w)
	}
	if n := s.fleet.devices.OfflineAtEnd(); n != 0 || len(snap.Recoveries) != 0 {
		t.Errorf("%d offline at the end, %d recoveries; want none", n, len(snap.Recoveries))
	}
	var line []string
	for _, in := range s.fleet.Incidents() {
		line = append(line, fmt.Sprint(time.Duration(in.At), " ", time.Duration(in.To), " ", in.Text))
	}
	if want := []string{
		"0s 20s stage: from 2 to 20 of 20 plugs there in 20s", "20s 30s stage: 20 of 20 plugs there for 10s",
		"30s 40s stage: from 20 to 0 of 20 plugs there in 10s", "40s 50s stage: 10 of 20 plugs there for 10s",
	}; !slices.Equal(line, want) {
		t.Errorf("on the time line: %q; want %q", line, want)
	}
}

// Whoever a stage has taken away is struck by no incident; of who leaves while it is struck,
// nobody waits that it is back.
func TestIncidentsStrikeWhoIsThere(t *testing.T) {
	const scenario = `
[[device]]
kind = "plug"
count = 20
[[device.stage]]
for = "10s"
share = "100%"
[[device.stage]]
for = "20s"
share = "50%"
[[device.stage]]
for = "10s"
from = "50%"
to = "0%"
[[incident]]
kind = "offline"
at = "15s"
for = "2s"
[[incident]]
kind = "power-cut"
at = "31.5s"
for = "4s"
[expect]
"recovery.all" = "< 10s"
`
	snap, _ := brew(t, hasty+scenario, broker.Config{}, func(s *storm) { s.sleepTo(41 * time.Second) })
	if len(snap.Recoveries) != 2 {
		t.Fatalf("%d recoveries; want 2: %+v", len(snap.Recoveries), snap.Recoveries)
	}
	// At 31.5 s one of ten has left, at 35.5 s five have.
	for i, want := range []int64{10, 5} {
		if r := snap.Recoveries[i]; r.Affected != want || r.Online.Count != want {
			t.Errorf("%s: %d were struck and %d came back; want %d and all of them", r.Incident, r.Affected, r.Online.Count, want)
		}
	}
}
