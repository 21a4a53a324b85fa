package fleet

import (
	"slices"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
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

// Of a Message Expiry Interval only the time that the Will has waited at the broker may be
// gone (3.3.2-6), which counts from when it is published (3.1.3.2.4).
func TestExpiryOfAWill(t *testing.T) {
	for _, tt := range []struct {
		name   string
		has    bool
		left   uint32
		waited time.Duration
		want   []string
	}{
		{"all of it", true, 3600, 0, nil},
		{"a moment less", true, 3599, 0, nil},
		{"counted from the end of the connection", true, 3595, 0, nil},
		{"one second", true, 1, 0, []string{"Message Expiry"}},
		{"half", true, 1800, 0, []string{"Message Expiry"}},
		{"half, while the auditor was away", true, 1800, 1800 * time.Second, nil},
		{"one second, though it was away for half", true, 1, 1800 * time.Second, []string{"Message Expiry"}},
		{"more", true, 3601, 0, []string{"Message Expiry"}},
		{"none", false, 0, 0, []string{"Message Expiry"}},
	} {
		f := stage(t, "[[device]]\nkind = \"light\"\nid = \"lamp\"\n[device.will]\nmessage_expiry = \"1h\"\ndelay = \"5s\"\n"+offlineOnce)
		d := f.responders[0]
		p := wire.Publish{Topic: []byte("tele/lamp/lwt"), Payload: []byte("Offline"), Retain: true}
		p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
		p.Props.User = d.AppendConnection(nil, 1)
		p.Props.HasMessageExpiry, p.Props.MessageExpiry = tt.has, tt.left
		if got, _ := d.WillDiffers(&p, 1, &client.Limits{MaximumQoS: 0}, tt.waited); !slices.Equal(got, tt.want) {
			t.Errorf("%s: WillDiffers = %q; want %q", tt.name, got, tt.want)
		}
	}
}
