package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"homefleet/fleet/metrics"
)

// A broker that does not acknowledge (4.3.2, 4.3.3) is found out, also where its
// Receive Maximum is so large that nothing has to wait: by figure and verdict.
func TestUnacknowledgedRequests(t *testing.T) {
	dropped := func(types ...byte) func([]byte) bool {
		return func(p []byte) bool { return strings.IndexByte(string(types), p[0]>>4) >= 0 }
	}
	const puback, pubrec, pubcomp = 4, 5, 7
	for _, tt := range []struct {
		qos  int
		of   func([]byte) bool
		want metrics.Totals
	}{
		{1, dropped(puback), metrics.Totals{ToAcknowledge: 60, Unacknowledged: 20}},
		{2, dropped(pubcomp), metrics.Totals{ToAcknowledge: 60, Unacknowledged: 20}},
		{1, dropped(pubrec, pubcomp), metrics.Totals{ToAcknowledge: 60}},
		{0, dropped(puback, pubrec, pubcomp), metrics.Totals{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBroker(t)
			f := &forger{who: "phone", of: tt.of, forge: func([]byte) []byte { return nil }}
			fl := fleetOf(t, fmt.Sprintf(`
[phases]
measure = "6s"
[[device]]
kind = "light"
[[controller]]
name = "phone"
client_id = "phone"
rate = "10/s"
attribute = "power"
qos = %d
`, tt.qos), f.dial(b.Dial))
			if err := fl.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.Close()
			res, err := fl.Result()
			if err != nil {
				t.Fatal(err)
			}
			got := res.Totals
			if got.Answered != 60 || got.ToAcknowledge != tt.want.ToAcknowledge || got.Unacknowledged != tt.want.Unacknowledged {
				t.Errorf("QoS %d, without some acknowledgements: answered %d, to acknowledge %d, not acknowledged %d; want 60, %d, %d",
					tt.qos, got.Answered, got.ToAcknowledge, got.Unacknowledged, tt.want.ToAcknowledge, tt.want.Unacknowledged)
			}
			verdict, text := metrics.VerdictRan, fmt.Sprint(res.Expectations)
			if tt.want.Unacknowledged > 0 {
				verdict = metrics.VerdictFail
			}
			if res.Verdict != verdict || strings.Contains(text, "requests.unacknowledged is 33.3333% (20 of 60); want < 1%") != (verdict == metrics.VerdictFail) {
				t.Errorf("QoS %d: the verdict is %s of %s; want %s", tt.qos, res.Verdict, text, verdict)
			}
		})
	}
}
