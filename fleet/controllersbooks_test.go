package fleet_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"homefleet/fleet/metrics"
)

// What becomes of the messages of controllers is told of requests: counts that are of
// devices do not have it.
func TestDeviceCountsAreOfDevices(t *testing.T) {
	const puback = 4
	for _, tt := range []struct {
		name  string
		forge func([]byte) []byte
	}{
		{"refused", func(p []byte) []byte { return []byte{puback << 4, 3, p[2], p[3], 0x97} }},
		{"never acknowledged, and so abandoned in the end", func([]byte) []byte { return nil }},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBroker(t)
			defer b.Close()
			f := &forger{who: "phone", of: func(p []byte) bool { return p[0]>>4 == puback }, forge: tt.forge}
			snap, _ := load(t, `
[phases]
measure = "3s"
[[device]]
kind = "light"
[[controller]]
name = "phone"
client_id = "phone"
rate = "10/s"
attribute = "power"
qos = 1
`, f.dial(b.Dial))
			did := f.did.Load()
			// An answer may overtake the acknowledgement, and then the request is answered.
			if got := snap.Totals.Refused + snap.Totals.Unacknowledged; got > did || got == 0 || did < 8 {
				t.Errorf("%s: %d of the requests were; want some, and at most %d, which are 8 or more", tt.name, got, did)
			}
			for _, name := range []string{"devices.refused", "devices.abandoned"} {
				if n := snap.Counts[name]; n != 0 {
					t.Errorf("%s: %s is %d; want 0, for they were of a controller", tt.name, name, n)
				}
			}
		})
	}
}

// A closed load has nothing left over as it ends, at whatever moment that is: neither is
// the generator late with it, nor is anything planned that is not sent.
func TestClosedLoadEndsEven(t *testing.T) {
	for _, measure := range []string{"1s", "1005ms", "1010ms", "1333ms", "2500ms"} {
		for _, think := range []string{"0s", "10ms", "500ms"} {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t)
				defer b.Close()
				fl := fleetOf(t, fmt.Sprintf(`
[phases]
measure = "%s"
drain = "1s"
[[device]]
kind = "light"
count = 3
[device.misbehave]
late = "100%%"
late_min = "20ms"
late_max = "120ms"
[[controller]]
attribute = "power"
arrival = "closed"
in_flight = 2
think = "%s"
timeout = "1s"
`, measure, think), b.Dial)
				if err := fl.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				res, err := fl.Result()
				if err != nil {
					t.Fatal(err)
				}
				if got := res.Totals; got.NotSent != (metrics.NotSent{}) || got.Planned != got.Answered || got.Answered < 2 || res.Generator.Saturated || res.Generator.Dropped > 0 {
					t.Errorf("measure %s, think %s: %+v, %s; want all that was planned to be sent and answered", measure, think, got, res.Generator.Sentence)
				}
			})
		}
	}
}
