package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// A stop in the middle of an incident ends the fleet at once, whatever the
// devices are up to; nothing is left of it (the bubble would not end).
func TestStopInAnIncident(t *testing.T) {
	t.Parallel()
	for i, incident := range []string{
		"kind = \"offline\"", "kind = \"offline\"\nway = \"silence\"", "kind = \"power-cut\"", "kind = \"power-cut\"\nspread = \"1m\"",
		"kind = \"router-reboot\"", "kind = \"wifi-loss\"", "kind = \"firmware-roll\"", "kind = \"flapping\"\nup = \"300ms\"\ndown = \"200ms\"",
		"kind = \"broker-outage\"", "kind = \"id-fight\"", "kind = \"slow-link\"\nlatency = \"30s\"", "kind = \"slow-link\"\nbandwidth = \"1B/s\"",
	} {
		if Some(i%3 == 2, false) {
			continue // two of three
		}
		for _, at := range Some([]time.Duration{10 * time.Second, 25 * time.Second}[i%2:i%2+1], []time.Duration{10 * time.Second, 10*time.Second + 100*time.Millisecond, 25 * time.Second, 40 * time.Second}) {
			t.Run(fmt.Sprintf("%s/%v", strings.ReplaceAll(strings.ReplaceAll(incident, "\n", ", "), `"`, ""), at), func(t *testing.T) {
				snap, _ := brew(t, `
[connect]
session_expiry = "1h"
keep_alive = "10s"
[phases]
measure = "10m"
[[device]]
kind = "light"
count = 5
telemetry = "1s"
[[controller]]
rate = "10/s"
attribute = "power"
payload = "TOGGLE"
[[incident]]
at = "10s"
for = "5m"
`+incident, broker.Config{}, func(s *storm) {
					s.sleepTo(at)
					start := time.Now()
					s.fleet.Stop()
					s.ended.wait()
					if took := time.Since(start); took > 2*time.Second {
						t.Errorf("Run returned %v after Stop; want at most 2s", took)
					}
				})
				if snap.Audit == nil {
					t.Error("no audit in the snapshot of a fleet that was stopped")
				}
			})
		}
	}
}
