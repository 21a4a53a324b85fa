package fleet_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// A broker that spoils every third message of a sort does not pass the shipped scenarios
// that send them, and what it did is among what fails.
func TestShippedScenariosBehindLies(t *testing.T) {
	const pubrel = 6
	none := func([]byte) []byte { return nil }
	twice := func(p []byte) []byte { return append(bytes.Clone(p), atQoS0(p)...) } // QoS 1: two deliveries
	offline := func(p []byte) bool { return p[0]>>4 == 3 && bytes.HasSuffix(p, []byte("Offline")) }
	answers := isPublish("homefleet/response/")
	for _, tt := range []struct {
		scenario, who string // whom it lies to
		of            func([]byte) bool
		lie           func([]byte) []byte
		fails         string
	}{
		{"power-cut", "homefleet-auditor", offline, none, "wills.missing"},
		{"power-cut", "phones", answers, twice, "answers.duplicate"},
		{"mass-offline", "homefleet-auditor", offline, twice, "wills.duplicate"},
		{"router-reboot", "homefleet-auditor", offline, replaced("will/seen", "will/soon"), "wills.altered"},
		{"router-reboot", "phones", answers, retained, "answers.other_retain"},
		{"flapping", "nervous", func(p []byte) bool { return p[0]>>4 == pubrel }, none, "acks.missing"},
		{"flapping", "patient", isPublish("cmnd/"), lastByte, "requests.altered"},
		{"id-fight", "phones", answers, lastByte, "answers.corrupted"},
		{"id-fight", "phones", answers, none, "requests.lost"},
		{"will-consumed", "lamp", isPublish("will/seen"), lastByte, "wills.answers_altered"},
		{"will-consumed", "caretaker", offline, none, "wills.consumed"},
		{"misbehaving", "to-", answers, atQoS0, "answers.other_qos"},
		{"before-mqtt5", "phones-after", answers, none, "requests.lost"},
		{"p2p", "apps", answers, twice, "answers.duplicate"},
		{"soak", "logger", isPublish("tele/"), none, "delivery.lost"},
		{"slow-consumer", "prompt", isPublish("state/"), none, "delivery.lost"},
	} {
		src, ok := scenarios.ReadShipped(tt.scenario)
		if !ok {
			t.Fatalf("there is no %s", tt.scenario)
		}
		synctest.Test(t, func(t *testing.T) {
			b, err := broker.New(broker.Config{Anonymous: true})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			f := &forger{who: tt.who, of: tt.of, forge: tt.lie}
			fl := fleetOf(t, string(src), f.dial(b.Dial))
			_ = fl.Run(t.Context()) // it may end early
			res, err := fl.Result()
			if err != nil {
				t.Fatal(err)
			}
			var failing []string
			for _, x := range res.Expectations {
				if x.Status != metrics.Pass {
					failing = append(failing, x.Metric)
				}
			}
			found := slices.ContainsFunc(failing, func(m string) bool { return m == tt.fails || m == tt.fails+"{watcher=prompt}" })
			if res.Verdict != metrics.VerdictFail || !found || f.did.Load() == 0 {
				t.Errorf("%s, %d lies to %s: %q, of %q; want a failure of %s", tt.scenario, f.did.Load(), tt.who, res.Verdict, failing, tt.fails)
			}
		})
	}
}
