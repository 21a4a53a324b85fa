package fleet

import (
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// What an incident does to devices is no failure, under FailFast either: the broker that an
// incident takes away comes back, and the run goes on to its end.
func TestFailFastIncidents(t *testing.T) {
	for _, incident := range []string{
		incidentOf("broker-outage", "10s", "20s"),
		incidentOf("id-fight", "10s", "20s"),
		incidentOf("router-reboot", "10s", "20s"),
		incidentOf("wifi-loss", "10s", "20s"),
		incidentOf("power-cut", "10s", "20s"),
		incidentOf("flapping", "10s", "20s"),
		incidentOf("firmware-roll", "10s", "20s"),
		incidentOf("offline", "10s", "20s", `way = "silence"`),
		incidentOf("slow-link", "10s", "20s", `latency = "5s"`), // no PINGRESP in time
		incidentOf("wifi-loss", "10s", "8s") + incidentOf("broker-outage", "15s", "9s"),
	} {
		name, _, _ := strings.Cut(strings.TrimPrefix(incident, "[[incident]]\nkind = "), "\n")
		t.Run(strings.Trim(name, `"`), func(t *testing.T) {
			snap, _ := brew(t, hasty+twoLamps+incident, broker.Config{}, func(s *storm) {
				s.sleepTo(55 * time.Second)
				if up := s.fleet.Presence(); up.Online != 2 {
					t.Errorf("%d of 2 devices are online after the incident; want both", up.Online)
				}
				if in := s.fleet.Incidents(); len(in) == 0 {
					t.Error("no incident happened; want one")
				}
			}, func(o *Options) { o.FailFast = true })
			if took := time.Duration(snap.Measured); took < time.Minute {
				t.Errorf("measured for %v; want a minute", took)
			}
		})
	}
}

// A broker that goes by itself while it is measured ends the run at once, with the cause.
func TestFailFastBrokerDies(t *testing.T) {
	brew(t, hasty+twoLamps, broker.Config{}, func(s *storm) {
		s.sleepTo(10 * time.Second)
		died := time.Now()
		s.broker.Suspend()
		err := <-s.ended
		if took := time.Since(died); took > 5*time.Second {
			t.Errorf("Run() returned %v after the broker had gone; want 5s at most", took)
		}
		if err == nil || !strings.Contains(err.Error(), "the broker closed the connection") {
			t.Errorf("Run() = %v; want that the broker closed the connection", err)
		}
		s.ended <- nil // as brew wants it
	}, func(o *Options) { o.FailFast = true })
}
