package fleet_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"

	"homefleet/fleet/metrics"
)

// An answer of a Tasmota has several messages with one Correlation Data: RESULT, and then
// POWER. Which of them a broker loses or doubles is told: the first that comes is the answer,
// a further one is a part and no duplicate, the same again is one, and one that does not come
// is missing.
func TestPartsLostAndDoubled(t *testing.T) {
	answer := isPublish("response/phone")
	result := func(p []byte) bool { return answer(p) && bytes.Contains(p, []byte(`{"POWER"`)) }
	power := func(p []byte) bool { return answer(p) && !bytes.Contains(p, []byte(`{"POWER"`)) }
	lose := func([]byte) []byte { return nil }
	double := func(p []byte) []byte { return slices.Concat(p, p) }
	for _, tt := range []struct {
		name  string
		of    func([]byte) bool
		forge func([]byte) []byte
		want  func(t *metrics.Totals, n int64)
	}{
		{"none", func([]byte) bool { return false }, lose, func(*metrics.Totals, int64) {}},
		{"RESULT is lost", result, lose, func(t *metrics.Totals, n int64) { t.Parts, t.MissingParts = t.Parts-n, n }},
		{"POWER is lost", power, lose, func(t *metrics.Totals, n int64) { t.Parts, t.MissingParts = t.Parts-n, n }},
		{"RESULT is doubled", result, double, func(t *metrics.Totals, n int64) { t.Duplicates = n }},
		{"POWER is doubled", power, double, func(t *metrics.Totals, n int64) { t.Duplicates = n }},
		{"each third message is lost", answer, lose, func(t *metrics.Totals, n int64) { t.Parts, t.MissingParts = t.Parts-n, n }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t)
				f := &forger{who: "phone", of: tt.of, forge: tt.forge}
				snap, _ := load(t, `
[phases]
measure = "6s"
drain = "3s"
[[device]]
kind = "plug"
id = "plug"
face = "tasmota"
telemetry = "0s"
[[controller]]
name = "phone"
client_id = "phone"
rate = "10/s"
attribute = "power"
payload = "TOGGLE"
timeout = "1s"
correlation_size = "16B"
qos = 0`, f.dial(b.Dial))
				b.Close()
				n := f.did.Load()
				want := metrics.Totals{Planned: 60, Sent: 60, Answered: 60, Answers: 60, Parts: 60}
				tt.want(&want, n)
				if (n == 0) != (tt.name == "none") || !snap.Totals.Equal(want) {
					t.Errorf("%d times:\n got %+v\nwant %+v", n, snap.Totals, want)
				}
			})
		})
	}
}
