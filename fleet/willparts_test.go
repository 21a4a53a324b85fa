package fleet

import (
	"slices"
	"testing"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
)

// What the Wills of a run put to the test is what they carry, and what the auditor
// can see of it: what a Will lacks, no broker can lose.
func TestWhatWillsPutToTheTest(t *testing.T) {
	all := metrics.WillParts[:]
	without := func(parts ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(parts, s) })
	}
	const full = `response_topic = "will/seen/{id}"
correlation_data = "{id}"
content_type = "text/plain"
message_expiry = "1h"
delay = "2s"
user_properties = [["a", "1"], ["b", "2"]]
`
	for _, tt := range []struct {
		name, will string
		incidents  string
		want       []string
	}{
		{"all of it", full, offlineOnce, all},
		{"the default", "", offlineOnce, []string{"payload", "QoS", "retain", "Payload Format", "User Properties"}},
		{"no payload, QoS 0, not retained", full + "payload = \"\"\nqos = 0\nretain = false\n", offlineOnce, without("payload", "QoS", "retain")},
		{"no Will comes", full, incidentOf("offline", "5s", "10s", `way = "orderly"`), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap, _ := brew(t, hasty+twoLamps+"[device.will]\n"+tt.will+tt.incidents, broker.Config{}, nil)
			a := snap.Audit
			if !slices.Equal(a.Tested, tt.want) || len(a.Tested)+len(a.Untested) != len(all) {
				t.Errorf("put to the test: %q, not: %q; want %q, and all others not", a.Tested, a.Untested, tt.want)
			}
		})
	}
}
